"""The page in a browser: silent, complete, every control, every width, both languages, and nothing for axe to object to."""

from __future__ import annotations

from dataclasses import replace

import pytest

BROKEN = "() => Array.from(document.querySelectorAll('.chart')).flatMap((one) => one.rows.filter((row) => Array.isArray(row.label)).map((row) => row.label))"

LANGUAGES = ("nl", "en", "de")
CONTROLS = {
    "show": ("both", "raw", "adjusted"), "by": ("", "age_group", "household", "both"), "engine": ("likelihood", "bayes"),
    "form": ("dots", "stacked", "diverging", "table"), "lang": LANGUAGES,
}  # fmt: skip


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("width", [375, 800, 1280])
def test_the_page_is_silent_asks_for_nothing_and_fits(run, opened, lang, width):
    page = opened(run, width=width, fragment=f"lang={lang}")
    assert page.said == []
    assert page.asked == [run.as_uri()]
    assert page.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.tab.evaluate("document.documentElement.lang") == lang
    shown, hidden = (
        page.tab.locator(f".{lang}:visible").count(),
        page.tab.locator(f"main span[lang]:not(.{lang}):visible").count(),
    )
    assert shown > 100
    assert hidden == 0


def test_the_first_screen_says_what_holds_and_whether_to_trust_it(run, opened):
    """Title, data, N and excluded, the sentence, the badge and the chart, above the fold of 1280 x 900."""
    tab = opened(run, fragment="lang=en").tab
    for what in ("h1", ".masthead strong", ".fact", "p.tally", ".badge", ".hero .chart svg", ".hero .key"):
        box = tab.locator(what).first.bounding_box()
        assert box is not None, what
        assert box["y"] >= 0, what
        assert box["y"] + box["height"] <= 900, what
    assert tab.locator("p.tally").inner_text() == (
        "Of the 8 statements in the article: 1 holds, 1 becomes weaker, 1 reverses, 1 stays undecided, 1 is reproduced, 1 is not reproduced and 2 cannot be tested."
    )
    assert "1,530" in tab.locator(".fact").inner_text()
    assert "2,478 of 4,008 rows are outside it" in tab.locator(".fact").inner_text()


def test_every_control_changes_the_view_and_the_address(run, opened):
    page = opened(run)
    for name, values in CONTROLS.items():
        before = page.tab.evaluate("document.querySelector('main').innerHTML")
        for value in reversed(values):
            page.tab.locator(f'input[name="{name}"][value="{value}"]').check(force=True)
            page.settled()
            now = page.tab.evaluate("document.querySelector('main').innerHTML")
            assert now != before, f"{name}={value}"
            before = now
    page.state()
    page.tab.locator('input[name="form"][value="stacked"]').check(force=True)
    page.tab.locator('input[name="lang"][value="en"]').check(force=True)
    page.tab.locator(".filter button").nth(1).click()
    page.state("form=stacked", "lang=en", "verdict=holds")
    assert page.said == []


def test_an_address_gives_the_view_it_was_copied_from(run, opened):
    page = opened(run, fragment="lang=en&show=raw&by=household&form=table&verdict=holds&at=claim-3")
    assert page.tab.locator("input:checked").evaluate_all("all => all.map((one) => one.value)") == [
        "raw",
        "household",
        "likelihood",
        "table",
        "en",
    ]
    assert page.tab.locator("#claim-3 details").get_attribute("open") is not None
    assert page.tab.locator(".claim:visible").count() == 1
    assert page.tab.locator("#figure-1 .block:visible").get_attribute("data-by") == "household"
    assert opened(run, fragment="show=%3Cscript%3E&lang=xx&form=&model=no&by=none&__proto__=1").said == []


@pytest.mark.parametrize("width", [390, 900, 1280])
def test_a_cited_claim_is_opened_below_the_bar(run, opened, width):
    """By its own id; by its place in the list, as pages before had it, too."""
    for name in ("C05", "claim-5"):
        page = opened(run, fragment=f"lang=en&at={name}", width=width)
        assert page.tab.locator("#claim-5 details").get_attribute("open") is not None
        page.state("lang=en", "at=C05")
        sticks = page.tab.evaluate("getComputedStyle(document.querySelector('.bar')).position") == "sticky"
        bar = page.tab.evaluate("document.querySelector('.bar').getBoundingClientRect().bottom") if sticks else 0
        top = page.tab.evaluate("document.querySelector('#claim-5').getBoundingClientRect().top")
        assert bar <= top < 200
    page.tab.locator("#claim-5 summary").click()
    page.state("lang=en")


@pytest.mark.parametrize("width", [390, 700, 1280])
@pytest.mark.parametrize("form", ["dots", "stacked"])
def test_no_label_loses_its_end(run, opened, width, form):
    """The longest labels take several lines; each row keeps its own."""
    page = opened(run, fragment=f"lang=en&by=both&form={form}", width=width)
    tab = page.tab
    tab.evaluate("for (const one of document.querySelectorAll('.claim > details')) one.open = true")
    page.settled()
    said = tab.evaluate("Array.from(document.querySelectorAll('.chart text')).map((one) => one.textContent)")
    assert len(said) > 200
    assert not [text for text in said if "…" in text]
    if form == "dots":
        broken = tab.evaluate(BROKEN)
        assert (width == 390) <= (["how often to work from home: at least several", "times a week"] in broken)


def test_contents_name_every_figure_whole(write, make, opened, tmp_path):
    results = make()
    long = "Percentage dat na de crisis ten minste een aantal keer per week thuis wil werken"
    figures = [{**one, "nl": long} for one in results.declared["figures"]]
    page = write(replace(results, declared={**results.declared, "figures": figures}), tmp_path)
    assert opened(page).tab.locator(".contents a[href='#figure-1']").inner_text() == long


def test_every_chart_has_a_name_a_description_and_a_table(run, opened):
    page = opened(run, fragment="by=both")
    for details in page.tab.locator(".claim > details").all():
        details.evaluate("one => { one.open = true }")
    page.settled()
    figures = page.tab.locator("figure")
    assert figures.count() >= 10
    for figure in figures.all():
        charts = figure.locator(".chart")
        assert all(
            charts.evaluate_all(
                "all => all.map((one) => one.getAttribute('role') === 'img' && one.getAttribute('aria-label').length > 8)"
            )
        )
        assert len(figure.locator(".description").inner_text()) > 10
        button = figure.locator(".as-table")
        button.click()
        assert button.get_attribute("aria-expanded") == "true"
        assert figure.locator("table").is_visible()
        assert charts.first.is_hidden()
        button.click()
        assert charts.first.is_visible()
    assert page.said == []


def test_claims_are_filtered_by_verdict_and_open_their_evidence(run, opened):
    tab = opened(run, fragment="lang=en").tab
    for button in tab.locator(".filter button").all()[1:]:
        button.click()
        shown = tab.locator(".claim:visible")
        assert shown.count() == int(button.inner_text().split()[-1])
        assert set(shown.evaluate_all("all => all.map((one) => one.dataset.verdict)")) == {
            button.get_attribute("data-filter")
        }
    tab.locator(".filter button").first.click()
    tab.locator("#claim-2 summary").click()
    inside = tab.locator("#claim-2 .inside").inner_text()
    for words in (
        "What has to be true",
        "more than 5 percentage points above",
        "What the verdict rests on",
        "The numbers",
        "Why it moved",
        "form of the model",
        "What would flip the verdict",
        "risk ratio 1.24 moved to 1",
    ):
        assert words in inside, words
    assert tab.locator("#claim-2 .chart svg").is_visible()


def test_the_keyboard_reaches_and_works_everything(run, opened):
    page = opened(run)
    tab = page.tab
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.locator('input[name="show"][value="both"]').focus()
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("document.activeElement.value") == "raw"
    page.state("show=raw")
    tab.locator("#claim-1 summary").focus()
    tab.keyboard.press("Enter")
    assert tab.locator("#claim-1 details").get_attribute("open") is not None
    outline = tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


@pytest.mark.parametrize(("scheme", "fragment"), [("light", "lang=nl&by=both"), ("dark", "lang=en&form=table")])
def test_axe_finds_no_serious_violation(run, opened, scheme, fragment):
    page = opened(run, fragment=fragment, scheme=scheme)
    page.tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.settled()
    assert page.serious_violations() == {}


def test_without_a_script_every_number_stands_in_a_table(run, browser):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(run.as_uri())
    assert tab.locator(".bar").is_hidden()
    assert tab.locator("#figure-2 table").first.is_visible()
    assert tab.locator(".no-script").is_visible()
    context.close()


def test_it_prints_without_controls_and_with_its_charts(run, opened):
    page = opened(run)
    page.tab.emulate_media(media="print")
    assert page.tab.locator(".bar").is_hidden()
    assert page.tab.locator("#figure-3 .chart svg").first.is_visible()
