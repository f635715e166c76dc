"""Numbers as text: the width is bounded, and rounding at a boundary never gives a wrong figure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profilednn_tui import units


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [
        (12_345, "0.012"),
        (999_400, "0.999"),
        (1_000_000, "1.00"),
        (9_994_000, "9.99"),
        (9_996_000, "10.0"),
        (127_340_000, "127.3"),
        (4_215_400_000, "4215"),
    ],
)
def test_milliseconds_keep_about_three_figures(duration_ns: float, text: str) -> None:
    assert units.milliseconds(duration_ns) == text


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [
        (340, "340 ns"),
        (999.6, "1.00 µs"),
        (12_400, "12.4 µs"),
        (31_000_000, "31.0 ms"),
        (999_600_000, "1.00 s"),
        (3_150_000_000, "3.15 s"),
        (99_960_000_000, "1 min 40 s"),
        (125e9, "2 min 05 s"),
        (3_599.6e9, "1 h 00 min"),
        (11_520e9, "3 h 12 min"),
    ],
)
def test_a_duration_carries_the_unit_that_fits(duration_ns: float, text: str) -> None:
    assert units.duration(duration_ns) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.004, "<0.01 %"), (0.42, "0.42 %"), (0.996, "1.0 %"), (8.1, "8.1 %"), (9.96, "10 %"), (400, "400 %")],
)
def test_a_percentage_shows_what_matters(value: float, text: str) -> None:
    assert units.percent(value) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.693147, "0.693"),
        (0.0, "0"),
        (31.25, "31.2"),
        (-0.5, "-0.5"),
        (1204, "1,204"),
        (12_345, "12.3k"),
        (0.00123, "0.0012"),
        (1.234e-7, "1.2e-7"),
        (-1.234e-17, "-1e-17"),
        (3.2e30, "3e30"),
    ],
)
def test_a_number_of_an_axis_takes_six_characters(number: float, text: str) -> None:
    assert units.short(number) == text


@pytest.mark.parametrize(("number", "text"), [(2.30142, "2.3014"), (0.693147, "0.6931"), (1.23456e-7, "1.2e-7")])
def test_a_number_of_an_axis_has_as_many_figures_as_asked_for_if_there_is_room(number: float, text: str) -> None:
    assert units.short(number, 5) == text


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [(250e6, "250 ms"), (1e9, "1 s"), (90e9, "90 s"), (120e9, "2 min"), (3600e9, "1 h"), (62_500_000, "62.5 ms")],
)
def test_a_round_duration_stays_round(duration_ns: float, text: str) -> None:
    assert units.round_duration(duration_ns) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(12, "12"), (0.5, "0.5"), (1204, "1,204"), (9_999.7, "10.0k"), (35_100, "35.1k"), (2_400_000, "2.40M")],
)
def test_a_count_stays_short(number: float, text: str) -> None:
    assert units.count(number) == text


@pytest.mark.parametrize(
    ("per_s", "text"), [(0.03, "0.03/s"), (31.24, "31.2/s"), (31.0, "31.0/s"), (999.97, "1,000/s"), (1204, "1,204/s")]
)
def test_a_rate_of_one_step_in_half_a_minute_is_not_zero(per_s: float, text: str) -> None:
    assert units.rate(per_s) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"), [(812, "812 B"), (999.7, "1.00 kB"), (812_000, "812.0 kB"), (1_420_000_000, "1.42 GB")]
)
def test_sizes_are_decimal(size_bytes: float, text: str) -> None:
    assert units.bytes_size(size_bytes) == text


def test_a_share_is_a_fraction_of_one() -> None:
    assert units.share(0.081) == "8.1 %"


def test_a_loss_keeps_five_figures_and_shows_divergence() -> None:
    assert units.loss(0.693147) == "0.69315"
    assert units.loss(float("nan")) == "nan"


def test_a_ratio_is_marked_as_one() -> None:
    assert units.ratio(1.254) == "1.25x"


def test_fixed_columns_share_their_decimal_point() -> None:
    assert units.fixed(1204.3, 2) == "1204.30"


@pytest.mark.parametrize(
    "show",
    [
        units.milliseconds,
        units.duration,
        units.percent,
        units.share,
        units.ratio,
        units.bytes_size,
        units.count,
        units.rate,
        units.loss,
    ],
)
def test_the_unknown_is_a_dash_and_no_zero(show: object) -> None:
    assert callable(show)
    assert show(None) == units.UNKNOWN


@given(st.floats(min_value=0, max_value=9.9e11))
def test_milliseconds_fit_their_column(duration_ns: float) -> None:
    assert len(units.milliseconds(duration_ns)) <= 6


@given(st.floats(min_value=0, max_value=3.5e15))
def test_durations_fit_their_column(duration_ns: float) -> None:
    assert len(units.duration(duration_ns)) <= 12


@given(st.floats(min_value=0, max_value=9.9e14))
def test_counts_fit_their_column(number: float) -> None:
    assert len(units.count(number)) <= 6


@pytest.mark.parametrize(
    ("low_s", "high_s", "text"),
    [
        (0.0, 0.3, "about 0 s"),
        (41.6, 55.2, "42 to 55 s"),
        (99.4, 99.6, "about 1.7 min"),
        (125.0, 141.0, "2.1 to 2.4 min"),
        (37 * 60.0, 41 * 60.0, "37 to 41 min"),
        (41 * 60.0, 41 * 60.0 + 5, "about 41 min"),
        (58 * 60.0, 130 * 60.0, "58 min to 2 h 10 min"),
        (110 * 60.0, 130 * 60.0, "1 h 50 min to 2 h 10 min"),
    ],
)
def test_an_interval_of_time_names_its_unit_once(low_s: float, high_s: float, text: str) -> None:
    assert units.span(low_s, high_s) == text
