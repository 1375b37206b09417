"""The declared response model, its families and formula; respondents as cells, and the design array over them."""
