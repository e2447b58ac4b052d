"""The text format, read by Prometheus' own reader."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from relay.histogram import Histogram
from relay.observe.exposition import Kind, Metric, render


def test_numbers_labels_and_histograms_read_as_they_were_written() -> None:
    histogram = Histogram((0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 3.0):
        histogram.observe(seconds)
    text = render(
        [
            (Metric("one", Kind.GAUGE, "A number."), 1.5),
            (Metric("many_total", Kind.COUNTER, "Numbers.", "name"), {'a"b\\c\nd': 2, "e": 3**40}),
            (Metric("took_seconds", Kind.HISTOGRAM, "Times.", "kind"), {"x": histogram}),
        ]
    )
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert [(one.labels, one.value) for one in families["one"].samples] == [({}, 1.5)]
    assert [(one.labels, one.value) for one in families["many"].samples] == [
        ({"name": 'a"b\\c\nd'}, 2),
        ({"name": "e"}, 3**40),
    ]
    assert families["took_seconds"].type == "histogram"
    assert [(one.name, one.labels.get("le"), one.value) for one in families["took_seconds"].samples] == [
        ("took_seconds_bucket", "0.1", 2),
        ("took_seconds_bucket", "1", 3),
        ("took_seconds_bucket", "+Inf", 4),
        ("took_seconds_sum", None, 3.65),
        ("took_seconds_count", None, 4),
    ]


def test_a_histogram_counts_each_observation_once_whatever_it_is() -> None:
    histogram = Histogram()
    for value in (0.0, 0.005, 0.0051, 60.0, 61.0, 1e9):
        histogram.observe(value)
    assert sum(histogram.counts) == 6
    assert histogram.counts[0] == 2
    assert histogram.counts[-1] == 2
