"""Where a table lies, and how it is asked: a database that a connection string names, or a file that DuckDB reads piece by piece.

``address`` takes a connection string apart; ``door`` opens what it names as a `Place`, a table as an Ibis expression with a way
to run what is asked of it. ``duck`` is the embedded DuckDB, closed to everything but the file asked for; ``connected`` is every
other engine, through Ibis. What is asked stands elsewhere: the whole table in ``readers``, sums of groups in ``inplace``.
"""

from wwm_models.survey.places.address import Address, data_name, is_address, read_address
from wwm_models.survey.places.door import countable, opened
from wwm_models.survey.places.duck import several_files
from wwm_models.survey.places.place import Place

__all__ = ["Address", "Place", "countable", "data_name", "is_address", "opened", "read_address", "several_files"]
