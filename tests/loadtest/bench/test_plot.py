"""The picture is well-formed, and shows what was measured."""

from xml.etree import ElementTree as ET

from laurel_mp.loadtest.bench.candidates import Mode
from laurel_mp.loadtest.bench.plot import svg
from laurel_mp.loadtest.bench.report import Report
from tests.support.benchmarks import MACHINE, measures, result

SVG = "{http://www.w3.org/2000/svg}"


def test_picture() -> None:
    """A bar for each figure of each candidate, within the picture; names may hold anything."""
    runs = {
        'on<e "&': [measures(wall, latency=wall / 100) for wall in (1.0, 2.0, 3.0)],
        "two\x00": [measures(wall, latency=wall / 50) for wall in (2.0, 4.0, 6.0)],
    }
    root = ET.fromstring(svg(Report(MACHINE, {"peer": "1"}, [result(runs, Mode.LIVE)])))

    assert root.tag == f"{SVG}svg"
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts.count('on<e "&') == texts.count("two?") == 5
    assert "4.00  (x 2.00)" in texts
    _background, *bars = root.iter(f"{SVG}rect")
    assert len(bars) == 10
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for bar in bars:
        x, y, w, h = (float(bar.attrib[name]) for name in ("x", "y", "width", "height"))
        assert 0 < x < x + w < width
        assert 0 < y < y + h < height
    assert float(bars[1].attrib["width"]) == 2 * float(bars[0].attrib["width"])
    assert not list(root.iter(f"{SVG}script"))


def test_what_was_not_measured_has_no_bars() -> None:
    """Without a rate there are no latencies."""
    root = ET.fromstring(svg(Report(MACHINE, {}, [result({"one": [measures()] * 3})])))

    assert len(list(root.iter(f"{SVG}rect"))) == 1 + 3
