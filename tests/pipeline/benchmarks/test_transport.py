import numpy as np
import pytest

from configs.errors import MissingExtraError
from pipeline.benchmarks.transport import _ratios, benchmark_transport, wall_picture
from pipeline.benchmarks.transports import CACHE_LINE, PAGE, TRANSPORTS, look_at

SIZE = (64, 48)


@pytest.mark.parametrize("name", list(TRANSPORTS))
def test_every_way_brings_pictures_with_their_times(name, tmp_path):
    if name == "imagezmq":
        pytest.importorskip("imagezmq")
    way = TRANSPORTS.load(name)()
    receiver = way.receiver(str(tmp_path), CACHE_LINE)
    assert receiver.receive() is None
    if name == "imagezmq":  # waits for each reply, so both ends cannot be in one thread
        receiver.close()
        return
    sender = way.sender(str(tmp_path), "cam1", SIZE)
    times = []
    try:
        for t_ns in range(1000, 1020):
            drawn = sender.draw(wall_picture(SIZE), fresh=t_ns % 2 == 0)
            np.testing.assert_array_equal(drawn, wall_picture(SIZE))
            assert sender.send(drawn, t_ns)
            times.append(receiver.receive())
    finally:
        sender.close()
        receiver.close()
    assert times == list(range(1000, 1020))


def test_measures_two_producers():
    found = benchmark_transport(["posestage"], producers=(2,), sizes=(SIZE,), fps=50, seconds=0.5)
    (row,) = found["rows"]
    assert row["fps"] > 0 and row["cpu_ms"] > 0
    assert 0 < row["latency_ms"]["p50"] <= row["latency_ms"]["p99"] <= row["latency_ms"]["max"]
    assert row["paced_fps"] <= 2 * 50 * 1.5  # a late producer may catch up by one picture
    assert found["times_faster"] == []


def test_ratios_compare_like_with_like():
    row = {"size": "1x1", "producers": 1}
    rows = [
        {**row, "way": "posestage", "fps": 500.0},
        {**row, "way": "imagezmq", "fps": 100.0},
        {**row, "producers": 4, "way": "imagezmq", "fps": 10.0},
    ]
    assert _ratios(rows) == [{"size": "1x1", "producers": 1, "than": "imagezmq", "ratio": 5.0}]


def test_the_consumer_looks_at_the_whole_picture():
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[-1, -CACHE_LINE // 3 - 1 :] = 200
    assert look_at(picture, CACHE_LINE) == 200
    assert look_at(np.full((96, 64, 3), 7, np.uint8), PAGE) == 7


def test_a_missing_package_names_its_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "imagezmq", None)
    monkeypatch.delitem(__import__("sys").modules, "pipeline.benchmarks.transport_imagezmq", raising=False)
    with pytest.raises(MissingExtraError, match="bench"):
        benchmark_transport(["imagezmq"], producers=(1,), sizes=(SIZE,), seconds=0.2)
