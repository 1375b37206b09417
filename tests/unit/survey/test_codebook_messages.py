"""Codebooks that say something outside their schema: the whole text of each message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wwm_models.errors import DeclarationError, SurveyError, WwmError
from wwm_models.survey.codebook_reader import read_codebook

REPLY = '[variables.reply]\ncolumn = "reply"\nkind = "ordered"\nlevels = [{ id = "no" }, { id = "yes" }]\n'
NUMBER = '[variables.x]\ncolumn = "x"\nkind = "number"\n'

SHARED = '[answers.yn]\nkind = "ordered"\nlevels = [{ id = "no" }, { id = "yes" }]\n[variables]\n'
CASES = [
    pytest.param(
        "reply\nno\nyes\n",
        SHARED + 'reply = { column = "reply", answers = "ny" }\n',
        DeclarationError,
        (
            'codebook.toml, [variables.reply]: `answers` is "ny", and there is no table [answers.ny]. Expected one of: yn. Write one of these, or '
            "`levels` of its own."
        ),
        id="answers that nobody declares",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        SHARED.replace("kind", "column") + 'reply = { column = "reply", answers = "yn" }\n',
        DeclarationError,
        'codebook.toml, [answers.yn]: unknown key "column". Known keys: kind, levels, missing, empty.',
        id="a column of shared answers",
    ),
    pytest.param(
        "reply\nno\nyes\nmaybe\n",
        SHARED + 'reply = { column = "reply", answers = "yn" }\n',
        SurveyError,
        (
            'data.csv: variable "reply" (column "reply") has 1 answer that the codebook does not know: "maybe" in 1 of 3 rows (first rows, counted '
            "from 1: 3). Expected 'no' for \"no\", 'yes' for \"yes\". Add it to the level it belongs to, or leave it out for a reason: in "
            'codebook.toml, [variables.reply] (answers: [answers.yn]), write `missing = [ { text = ["maybe"], reason = "..." } ]`.'
        ),
        id="an answer that shared answers do not have",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        SHARED + 'one = { column = "reply", answers = "yn" }\nother = { column = "reply", answers = "yn" }\n',
        DeclarationError,
        (
            'codebook.toml: [variables.one] and [variables.other] read the same answers from column "reply". Expected a column for each question. '
            "Write the other column's name, or remove one of the two variables."
        ),
        id="two items on one column",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        SHARED + 'one = { position = 1, answers = "yn" }\nother = { position = 1, answers = "yn" }\n',
        DeclarationError,
        (
            "codebook.toml: [variables.one] and [variables.other] read the same answers from the column at position 1. Expected a column for each "
            "question. Write the other column's name, or remove one of the two variables."
        ),
        id="two items on one position",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        SHARED + 'one = { column = "reply", answers = "yn" }\n[collapses.any]\nlevels = ["no", "yes"]\n',
        DeclarationError,
        (
            "codebook.toml, [collapses.any]: neither of `variable` and `variables` is given. Expected the variable whose levels are put together, or a "
            "list of several that share these levels. Write one of the two keys."
        ),
        id="a collapse of no variable",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        "[variables\n",
        DeclarationError,
        (
            "codebook.toml: not valid TOML: Expected ']' at the end of a table declaration (at line 1, column "
            "11). Repair that line; values of text need quotes."
        ),
        id="not toml",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        "[source]\n",
        DeclarationError,
        "codebook.toml: the key variables is absent. Add it; required keys: variables.",
        id="no variables",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        REPLY + 'lable = "x"\n',
        DeclarationError,
        (
            'codebook.toml, [variables.reply]: unknown key "lable". Known keys: kind, column, levels, nl, en, de, '
            "missing, empty, cut, birth_year_in, minimum, maximum."
        ),
        id="unknown key",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        (
            '[variables.reply]\ncolumn = "reply"\nkind = "ordered"\nlevels = [{ id = "no", code = [1] }, { id = '
            '"yes" }]\n'
        ),
        DeclarationError,
        (
            'codebook.toml, [variables.reply], `levels` 1: unknown key "code". Known keys: id, nl, en, de, codes, '
            'text. Did you mean "codes"?'
        ),
        id="unknown key of a level",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        '[variables.x]\nkind = "number"\n',
        DeclarationError,
        (
            "codebook.toml, [variables.x]: 0 sources are given. Expected exactly one of column, position, "
            "question, rules, from. Say once where the variable comes from."
        ),
        id="no source",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        '[variables.x]\ncolumn = "x"\nposition = 1\nkind = "number"\n',
        DeclarationError,
        (
            "codebook.toml, [variables.x]: 2 sources are given: column, position. Expected exactly one of "
            "column, position, question, rules, from. Say once where the variable comes from."
        ),
        id="two sources",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        '[variables.x]\ncolumn = "x"\nkind = "ordinal"\n',
        DeclarationError,
        (
            'codebook.toml, [variables.x]: `kind = "ordinal"` is not known. Expected one of: ordered, nominal, '
            "number. Write one of these."
        ),
        id="unknown kind",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        '[variables.x]\ncolumn = 3\nkind = "number"\n',
        DeclarationError,
        ('codebook.toml, [variables.x]: `column` is 3. Expected a text between quotes, like "...". Repair that line.'),
        id="wrong type",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        '[variables.x]\ncolumn = "x"\nkind = "ordered"\n',
        DeclarationError,
        (
            'codebook.toml, [variables.x]: kind = "ordered" with 0 levels. Expected two or more, lowest first. '
            "Add `levels`."
        ),
        id="no levels",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        '[variables.reply]\ncolumn = "reply"\nkind = "ordered"\nlevels = [{ id = "no" }, { id = "no" }]\n',
        DeclarationError,
        (
            "codebook.toml, [variables.reply]: level ids that are declared twice: no. Expected each to mean one "
            "thing. Remove one."
        ),
        id="level twice",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        (
            '[variables.reply]\ncolumn = "reply"\nkind = "ordered"\nlevels = [{ id = "no", codes = [1] }, { id '
            '= "yes", codes = [1] }]\n'
        ),
        DeclarationError,
        (
            "codebook.toml, [variables.reply]: codes that are declared twice: 1. Expected each to mean one "
            "thing. Remove one."
        ),
        id="code twice",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        ('[variables.reply]\ncolumn = "reply"\nkind = "ordered"\nlevels = [{ id = "no|not" }, { id = "yes" }]\n'),
        DeclarationError,
        (
            "codebook.toml, [variables.reply], `levels` 1: `id` is 'no|not'. Expected a short name without any "
            "of | ; = [ ] :. Repair that line."
        ),
        id="reserved mark in an id",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        '[variables."my x"]\ncolumn = "x"\nkind = "number"\n',
        DeclarationError,
        (
            'codebook.toml, [variables.my x]: "my x" cannot be the name of a variable. Expected letters, digits '
            "and underscores, not beginning with a digit, and no word of the condition language. Give it another "
            "name."
        ),
        id="name that is no name",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        NUMBER + 'levels = [{ id = "a" }]\n',
        DeclarationError,
        (
            'codebook.toml, [variables.x]: kind = "number" with levels, rules, `from` or `cut`. Expected a '
            'column of numbers, without these. Remove them, or write kind = "ordered".'
        ),
        id="number with levels",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        (
            '[variables.x]\ncolumn = "x"\nkind = "ordered"\ncut = { breaks = [18, 35, 50] }\nlevels = [{ id = '
            '"a" }, { id = "b" }, { id = "c" }]\n'
        ),
        DeclarationError,
        (
            "codebook.toml, [variables.x]: 3 breaks make 2 levels, and 3 are declared. Expected one level "
            "between each two breaks. Repair `breaks` or `levels`."
        ),
        id="breaks and levels",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        (
            '[variables.x]\ncolumn = "x"\nkind = "ordered"\ncut = { breaks = [18, 18, 50] }\nlevels = [{ id = '
            '"a" }, { id = "b" }]\n'
        ),
        DeclarationError,
        (
            "codebook.toml, [variables.x], `cut`: `breaks` is [18.0, 18.0, 50.0]. Expected two or more numbers, "
            "each higher than the one before. Repair that line."
        ),
        id="breaks not rising",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        REPLY + "minimum = 0\n",
        DeclarationError,
        (
            'codebook.toml, [variables.reply]: minimum without a number. Expected it with kind = "number" or '
            "with `cut`. Remove it."
        ),
        id="minimum without a number",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        REPLY + 'missing = [{ codes = [9], reason = "" }]\n',
        DeclarationError,
        (
            "codebook.toml, [variables.reply], `missing` 1: `reason` is ''. Expected a few words, like \"do not "
            'know". Repair that line.'
        ),
        id="empty reason",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        REPLY + 'missing = [{ codes = [9], reason = "r", policy = "impute" }]\n',
        DeclarationError,
        (
            'codebook.toml, [variables.reply], `missing` 1: `policy = "impute"` is not known. Expected one of: '
            "exclude. Write one of these."
        ),
        id="unknown policy",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        '[source]\ndelimiter = "::"\n' + REPLY,
        DeclarationError,
        (
            'codebook.toml, [source]: `delimiter` is \'::\'. Expected one character, like "," or ";" or "\\t". '
            "Repair that line."
        ),
        id="long delimiter",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        "[universe]\nall = [\"repply == 'yes'\"]\n" + REPLY,
        DeclarationError,
        (
            'codebook.toml, [universe]: the condition "repply == \'yes\'" uses "repply", which is not a declared '
            'variable. Declared: reply. Did you mean "reply"? Repair the name, or declare [variables.repply].'
        ),
        id="unknown variable in a condition",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        "[universe]\nall = [\"reply == 'yess'\"]\n" + REPLY,
        DeclarationError,
        (
            'codebook.toml, [universe]: the condition "reply == \'yess\'" compares "reply" with "yess", which is '
            'not one of its levels. Expected one of: no, yes. Did you mean "yes"? Write the id of a level '
            "between quotes."
        ),
        id="unknown level in a condition",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        '[universe]\nall = ["reply == 1"]\n' + REPLY,
        DeclarationError,
        (
            'codebook.toml, [universe]: the condition "reply == 1" compares "reply" with the number 1, which is '
            "not one of its levels. Expected one of: no, yes. Write the id of a level between quotes."
        ),
        id="number against a level",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        "[universe]\nall = [\"x == '1'\"]\n" + NUMBER,
        DeclarationError,
        (
            'codebook.toml, [universe]: the condition "x == \'1\'" compares "x" with the text "1", and "x" is a '
            "number. Expected a number. Remove the quotes, or declare the variable with levels."
        ),
        id="text against a number",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        (
            '[universe]\nall = ["reply > \'no\'"]\n[variables.reply]\ncolumn = "reply"\nkind = "nominal"\nlevels = '
            '[{ id = "no" }, { id = "yes" }]\n'
        ),
        DeclarationError,
        (
            'codebook.toml, [universe]: the condition "reply > \'no\'" uses > on "reply", which is nominal. '
            "Expected == or != or in for answers without an order. Compare otherwise, or declare kind = "
            '"ordered".'
        ),
        id="order of nominal answers",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        "[universe]\nall = [\"__import__('os').system('true')\"]\n" + REPLY,
        DeclarationError,
        (
            "codebook.toml, [universe]: the condition \"__import__('os').system('true')\" cannot be read. Expected "
            "comparisons (== != < <= > >= in) of a declared variable with a quoted answer, a number or a list, "
            "joined by and, or, not and parentheses, for example \"age >= 18 and partner == 'no'\". Rewrite it in "
            "that form."
        ),
        id="code in a condition",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        (
            '[universe]\nall = ["not not not not not not not not not not not not not not not not not not not '
            "not not not not not not not not not not not not not not not not not not not not not not not not "
            "not not not not not not not not not not not not not not not not not not not not not not not not "
            "not not not not not not not not not not not not not not not not not not not not not not not not "
            "not not not not not not not not not not not not not not not not not not not not not not not not "
            "not not not not not not not not not not not not not not not not not not not not not not not not "
            "not not not not not not not not not not not not not not not not not not not not not not not not "
            "not not not not not not not not not not not not not not not not not not not not not not not not "
            "not not not not not not not not not not not not not not not not not not not not not not not not "
            "not not not not not not not not not not not not not not not not not not not not not not not not "
            "not not not not not not not not not not not not not not not not not not not not not not not not "
            "not not not not not not not not not not not not not not not not not not not not not not not not "
            'not not not not not not not not not not not not not not not not not reply is known"]\n'
        )
        + REPLY,
        DeclarationError,
        (
            "codebook.toml, [universe]: a condition of 1214 characters. Expected at most 1000. Make a variable "
            "of a part of it, and use that variable."
        ),
        id="a condition too long",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        REPLY
        + (
            '[variables.x]\nkind = "nominal"\nrules = [{ when = "reply == \'no\'", id = "c" }]\nlevels = [{ id = '
            '"a" }, { id = "b" }]\n'
        ),
        DeclarationError,
        (
            'codebook.toml, [variables.x], `rules` 1: "c" is not one of the levels. Expected one of: a, b. '
            "Repair `id`, or add the level."
        ),
        id="unknown id in a rule",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        (
            '[variables.a]\nkind = "nominal"\nrules = [{ when = "b == \'p\'", id = "p" }]\nlevels = [{ id = "p" '
            '}, { id = "q" }]\n[variables.b]\nkind = "nominal"\nrules = [{ when = "a == \'p\'", id = "p" '
            '}]\nlevels = [{ id = "p" }, { id = "q" }]\n'
        ),
        DeclarationError,
        (
            "codebook.toml, [variables]: variables are made of each other in a circle: a -> b -> a. Expected "
            "each to come from a column in the end. Make one of them from a column."
        ),
        id="a circle",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        REPLY
        + (
            '[variables.x]\nfrom = "replies"\nkind = "ordered"\nlevels = [{ id = "a", merges = ["no"] }, { id = '
            '"b", merges = ["yes"] }]\n'
        ),
        DeclarationError,
        (
            'codebook.toml, [variables.x]: `from = "replies"` is not a declared variable. Declared: reply, x. '
            'Did you mean "reply"? Repair `from`.'
        ),
        id="merge of an unknown variable",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        REPLY
        + (
            '[variables.x]\nfrom = "reply"\nkind = "ordered"\nlevels = [{ id = "a", merges = ["no"] }, { id = '
            '"b", merges = ["yess"] }]\n'
        ),
        DeclarationError,
        (
            'codebook.toml, [variables.x]: "yess" is not a level of "reply". Expected: no, yes. Did you mean '
            '"yes"? Repair `merges` or `drop`.'
        ),
        id="merge of an unknown level",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        REPLY
        + (
            '[variables.x]\nfrom = "reply"\nkind = "ordered"\nlevels = [{ id = "a", merges = ["no"] }, { id = '
            '"b", merges = ["no"] }]\n'
        ),
        DeclarationError,
        (
            'codebook.toml, [variables.x]: levels of "reply" that are not merged exactly once: no (2 times), yes '
            "(0 times). Expected each level in one `merges` or in `drop`. Add or remove them there."
        ),
        id="level merged twice, level forgotten",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        REPLY
        + (
            '[variables.x]\nfrom = "reply"\nkind = "ordered"\ncut = { breaks = [0, 1, 2] }\nlevels = [{ id = "a" '
            '}, { id = "b" }]\n'
        ),
        DeclarationError,
        (
            'codebook.toml, [variables.x]: "reply" is of kind "ordered". Expected a number with `cut`, or '
            "answers with `merges` in every level. Repair `from`, `cut` or the levels."
        ),
        id="cut of answers",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        REPLY + '[collapses.c]\nvariable = "replly"\nlevels = ["yes"]\n',
        DeclarationError,
        (
            'codebook.toml, [collapses.c]: "replly" is not a declared variable. Declared: reply. Did you mean '
            '"reply"? Repair `variable`.'
        ),
        id="collapse of an unknown variable",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        REPLY + '[collapses.c]\nvariable = "reply"\nlevels = ["ye"]\n',
        DeclarationError,
        (
            'codebook.toml, [collapses.c]: "ye" is not a level of "reply". Expected some of: no, yes. Did you '
            'mean "yes"? Repair `levels`.'
        ),
        id="collapse of an unknown level",
    ),
    pytest.param(
        "reply\nno\nyes\n",
        REPLY + '[collapses.yes]\nvariable = "reply"\nlevels = ["yes"]\n',
        DeclarationError,
        (
            'codebook.toml, [collapses.yes]: Collapse "yes" has the name of an answer or of another collapse. Expected another '
            "name than no, yes. Rename it."
        ),
        id="collapse named as a level",
    ),
]


@pytest.mark.parametrize(("data", "codebook", "error", "expected"), CASES)
def test_the_message(
    refused: Callable[[str | bytes, str, type[WwmError]], str],
    data: str | bytes,
    codebook: str,
    error: type[WwmError],
    expected: str,
):
    assert refused(data, codebook, error) == expected


@pytest.mark.parametrize("key", ["id", "nl", "en"])
def test_a_label_of_thousands_of_characters_is_refused_with_its_length(key: str, tmp_path: Path):
    long = {"id": "a", "nl": "a", "en": "a"} | {key: "x" * 5000}
    path = tmp_path / "codebook.toml"
    level = ", ".join(f'{name} = "{text}"' for name, text in long.items())
    path.write_text(
        f'[variables.v]\ncolumn = "v"\nkind = "nominal"\nlevels = [{{ {level} }}, {{ id = "b" }}]\n', encoding="utf-8"
    )
    with pytest.raises(DeclarationError) as caught:
        read_codebook(path)
    assert str(caught.value) == (
        f"{path}, [variables.v], `levels` 1: `{key}` has 5,000 characters, from '{'x' * 40}' on. Expected at most 1,000: it stands in tables "
        "and figures. Shorten it."
    )
