"""Tables, figures and the page, in every language."""
