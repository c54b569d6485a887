"""The delay of a bus, by what comes back of what was said."""

from gateway.cluster.echo import Echo


def test_delay_is_from_the_word_to_its_echo() -> None:
    """NODE-16."""
    echo = Echo()
    assert echo.delay_ms(0) is None
    echo.said(10.0)
    assert echo.delay_ms(10.5) is None
    echo.heard(10.25)
    assert echo.delay_ms(11.0) == 250.0


def test_word_that_is_out_for_longer_counts_before_it_comes_back() -> None:
    """NODE-16: a bus that hangs does not look as quick as it was."""
    echo = Echo()
    echo.said(1.0)
    echo.heard(1.002)
    echo.said(2.0)
    assert echo.delay_ms(2.001) == 2.0
    echo.said(3.0)  # the first of those that are out is what counts
    assert echo.delay_ms(3.5) == 1500.0
    echo.heard(4.0)
    assert echo.delay_ms(9.0) == 2000.0


def test_echo_of_a_bus_that_was_lost_is_forgotten() -> None:
    echo = Echo()
    echo.said(1.0)
    echo.heard(1.002)
    echo.said(2.0)
    echo.forget()
    assert echo.delay_ms(2.5) is None
    echo.heard(3.0)
    assert echo.delay_ms(3.5) is None
