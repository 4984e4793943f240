"""report.html as people use it: in a browser, with the mouse and without."""

import io
from pathlib import Path

import ase.io
import numpy as np
import pytest

from keras_ruo2.discovery.page import write_discovery_page
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.slabs import build_slab
from keras_ruo2.thermodynamics.oxygen_gas import oxygen_potential
from keras_ruo2.thermodynamics.surface import Line
from tests.discovery.browser import browser
from tests.discovery.pages import content, known, row

NASTY = "<img src=x onerror=alert(1)>\"'&"
KINDS = ("110-stoichiometric", "110-O-rich", "100-stoichiometric", "101-O-poor")
STEPS = 40


def slab_of(kind):
    return with_energy(build_slab(kind, a=4.5, c=3.1), -100.0)


@pytest.fixture(scope="module")
def visit():
    with browser() as visit:
        yield visit


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A page of three generated structures, two known ones and a failed one."""
    poor, rich, other, _ = (slab_of(kind) for kind in KINDS)
    real = [
        known(slab_of(KINDS[0]), "real-poor", line=Line(0.050, 0.0)),
        known(slab_of(KINDS[1]), "real-rich", line=Line(0.010, -0.080)),
    ]
    best = [
        row(rich, "rich", line=Line(0.000, -0.080), nearest=("real-rich", real[1]["atoms"])),
        row(poor, NASTY, line=Line(0.045, 0.0), novel=False, difference=[NASTY], said=NASTY),
        row(other, "other", line=Line(0.060, -0.01), facet="(100)"),
        row(poor.copy(), "failed", line=None, above=None, novel=False, facet="–"),
    ]
    lines = {"(110)": [each["line"] for each in real], "(100)": [Line(0.055, 0.0)]}
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_discovery_page(
        path, content(best, real, lines=lines, notes=[NASTY], title=NASTY, shown=2)
    )
    return path


@pytest.fixture
def page(visit, report):
    page = visit(report)
    yield page
    assert page.wrong == []
    page.context.close()


def order(page):
    return page.locator("#ranking tbody tr td:nth-child(2)").all_inner_texts()


def slide(page, value):
    page.locator("#dmu").evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
        value,
    )
    page.wait_for_function(
        "value => Math.abs(document.querySelector('#dmu-shown').textContent.replace('−', '-')"
        " - value) < 0.0015",
        arg=value,
    )


def test_the_slider_ranks_anew_and_moves_the_line(page):
    slide(page, 0.0)
    assert order(page)[:3] == ["rich", "real-rich", NASTY]
    right = float(page.locator("#cursor").get_attribute("x1"))
    slide(page, -1.5)
    assert order(page)[:2] == [NASTY, "real-poor"]
    assert order(page)[-1] == "failed"
    assert float(page.locator("#cursor").get_attribute("x1")) < right - 300
    first = page.locator("#ranking tbody tr").first
    assert first.locator(".gamma").inner_text() == "45.0"
    assert first.locator(".above").inner_text() == "−5.0"


def test_temperature_and_pressure_are_those_of_the_package_s_gas(page):
    for decades, kelvin in ((0, 800), (-10, 700), (-10, 500)):
        page.fill("#bar", str(decades))
        page.fill("#kelvin", str(kelvin))
        shown = float(page.locator("#dmu").input_value())
        assert shown == pytest.approx(oxygen_potential(kelvin, 10.0**decades), abs=1e-3)
    page.fill("#kelvin", "900")
    assert "−1.87 eV" in page.locator("#gas-note").inner_text()  # beyond the O-poor end
    assert float(page.locator("#dmu").input_value()) == -1.5
    slide(page, -1.0)
    kelvin = float(page.locator("#kelvin").input_value())
    assert oxygen_potential(kelvin, 1e-10) == pytest.approx(-1.0, abs=1e-3)  # whole K
    page.fill("#kelvin", "5000")
    assert "1500 K" in page.locator("#gas-note").inner_text()


def test_a_click_in_the_table_shows_the_structure_beside_the_nearest_known_one(page):
    slide(page, 0.0)
    page.get_by_role("button", name="rich", exact=True).click()
    assert page.locator("#one-said b").inner_text() == "rich"
    assert page.locator("#other-said b").inner_text() == "real-rich"
    told = page.locator("#difference").inner_text()
    assert "Faces as there." in told and "−10.0 meV/Å²" in told
    drawn = [int(page.locator(name).get_attribute("data-drawn")) for name in ("#one", "#other")]
    assert drawn[0] == drawn[1] > 20
    assert page.locator("#ranking tr.chosen td").nth(1).inner_text() == "rich"


def test_a_click_in_the_diagram_chooses_the_line_under_it(page):
    slide(page, -0.75)
    for name in ("real-poor", "other"):
        page.get_by_role("button", name=name, exact=True).click()
        dot = page.locator("#dot")
        at = {"x": float(dot.get_attribute("cx")), "y": float(dot.get_attribute("cy"))}
        page.get_by_role("button", name="rich", exact=True).click()
        page.locator("#diagram").click(position=at)
        assert page.locator("#one-said b").inner_text() == name


def test_all_of_it_can_be_done_with_the_keyboard(page):
    page.locator("#dmu").focus()
    before = page.locator("#dmu-shown").inner_text()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('#dmu-shown').textContent !== before", arg=before
    )
    page.locator("#ranking tbody button").nth(1).focus()
    page.keyboard.press("Enter")
    chosen = order(page)[1]
    assert page.locator("#one-said b").inner_text() == chosen
    page.locator("#diagram").focus()
    page.keyboard.press("ArrowUp")
    assert page.locator("#one-said b").inner_text() == order(page)[2]
    page.locator("#one").focus()
    drawn = page.locator("#one").evaluate("canvas => canvas.toDataURL()")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#one").evaluate("canvas => canvas.toDataURL()") != drawn


def test_every_control_has_a_name(page):
    nameless = page.evaluate(
        """() => Array.from(document.querySelectorAll('button, input, select, canvas, svg[role]'))
        .filter(item => !(item.textContent.trim() || item.getAttribute('aria-label')
          || (item.labels && item.labels.length) || item.querySelector('title')
          || item.getAttribute('aria-labelledby')))
        .map(item => item.outerHTML)"""
    )
    assert nameless == []


def test_filters_leave_what_they_name_in_table_and_diagram(page):
    page.select_option("#facet", "(100)")
    assert order(page) == ["other"]
    assert page.locator("#count").inner_text() == "1 of 6 structures"
    visible = "() => Array.from(document.querySelectorAll('#diagram .curve'))"
    visible += ".filter(line => line.style.display !== 'none').length"
    assert page.evaluate(visible) == 1
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("document.querySelectorAll('#ranking tbody tr').length === 6")
    page.check("#novel")
    assert set(order(page)) == {"rich", "other"}
    page.get_by_role("button", name="Show all").click()
    page.select_option("#kind", "known")
    assert set(order(page)) == {"real-poor", "real-rich"}
    page.select_option("#kind", "")
    most = min(sum(slab_of(kind).numbers == 8) for kind in KINDS[:3])
    page.fill("#most", str(most))
    counts = page.locator("#ranking tbody tr td:nth-child(8)").all_inner_texts()
    assert counts and all(int(count) <= most for count in counts)


def test_columns_sort_both_ways(page):
    heading = page.locator("#ranking thead th", has_text="Structure")
    heading.locator("button").click()
    up = order(page)
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.locator("button").click()
    assert order(page) == up[::-1]


@pytest.mark.parametrize("kind", ["cif", "extxyz", "vasp"])
def test_downloads_are_files_that_ase_reads(page, kind):
    page.get_by_role("button", name="rich", exact=True).click()
    with page.expect_download() as waiting:
        page.locator(f'#actions button[data-kind="{kind}"]').click()
    assert waiting.value.suggested_filename == f"rich.{kind}"
    text = Path(waiting.value.path()).read_text()
    back, wanted = ase.io.read(io.StringIO(text), format=kind), slab_of(KINDS[1])
    assert sorted(back.symbols) == sorted(wanted.symbols)
    np.testing.assert_allclose(back.cell.lengths(), wanted.cell.lengths(), atol=1e-3)


def test_no_text_of_a_file_becomes_code(page):
    page.get_by_role("button", name=NASTY, exact=True).click()
    assert NASTY in page.locator("#difference").inner_text()
    assert page.locator("img[src=x]").count() == 0
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CIF").click()
    assert waiting.value.suggested_filename == "img_src_x_onerror_alert_1.cif"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_are_the_system_s_until_somebody_chooses(visit, report, scheme):
    page = visit(report, color_scheme=scheme)
    theme = "document.documentElement.dataset.theme"
    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(theme) == scheme
    before = page.evaluate(paper)
    page.locator("#theme").click()
    assert page.evaluate(theme) != scheme and page.evaluate(paper) != before
    assert page.wrong == []


def test_on_a_narrow_window_nothing_sticks_out(visit, report):
    page = visit(report, viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="rich", exact=True).click()
    assert page.locator("#one-said b").inner_text() == "rich"
    assert page.wrong == []


def test_the_command_is_copied_or_selected(page):
    page.locator("#copy").click()
    page.wait_for_function("['Copied', 'Selected'].includes(copy.textContent)")


def test_two_hundred_structures_are_ranked_at_every_step_of_the_slider(visit, tmp_path):
    rng = np.random.default_rng(0)
    slabs = [slab_of(kind) for kind in KINDS]
    rows = []
    for number in range(200):
        line = Line(rng.uniform(0.02, 0.2), rng.uniform(-0.08, 0.05))
        rows.append(row(slabs[number % 4].copy(), f"generated-{number:04d}", line=line))
    path = tmp_path / "many.html"
    write_discovery_page(path, content(rows, [known(slabs[0])]))
    page = visit(path)
    page.evaluate(
        """async steps => {
          const slider = document.getElementById('dmu');
          for (let step = 0; step < steps; step += 1) {
            slider.value = -1.5 + 1.5 * step / (steps - 1);
            slider.dispatchEvent(new Event('input'));
            await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
          }
        }""",
        STEPS,
    )
    assert page.locator("#ranking tbody tr").count() == 201
    assert page.wrong == []
