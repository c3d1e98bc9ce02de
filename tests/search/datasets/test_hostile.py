"""Hostile data, one line each: it is refused with exit 3 and a sentence that names the file, or it works.

Each case builds something below a folder of its own and gives the reference
for ``--data``.  Memory stays bounded: no case may raise the peak by more than
a few hundred megabytes, whatever its headers declare.
"""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from search.cli import main
from search.datasets.load import inspect
from search.datasets.options import DataOptions
from search.datasets.prepare import Prepared
from tests.search.datasets.hostile import (
    Build,
    changed,
    copied_test,
    csv,
    cut,
    deep,
    endless_flac,
    few_copies,
    infinite_sound,
    long_parquet,
    loop,
    named_files,
    npy,
    npz_of,
    numbered,
    objects,
    parquet,
    pickled,
    png,
    silence,
    wav,
    with_bytes,
    zeros,
)
from tests.search.datasets.made import (
    images,
    recordings,
    sounds,
    table,
    ts_file,
    write_image,
    write_rows,
    write_sound,
)

_MOST_GROWTH_KB = 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """One case: what lies in the folder, and what must come of it.

    `says` is in the sentence that refuses it, `names` is the file it names; or
    `gives` is true of what was loaded.
    """

    build: Build
    says: str = ""
    names: str = ""
    gives: Callable[[Prepared], bool] | None = None
    options: dict[str, Any] = field(default_factory=dict)


def _shape(*shape: int) -> Callable[[Prepared], bool]:
    return lambda prepared: prepared.data.input_shape == shape


def _labels(*labels: str) -> Callable[[Prepared], bool]:
    return lambda prepared: prepared.data.labels == labels


def _notes(text: str) -> Callable[[Prepared], bool]:
    return lambda prepared: any(text in note for note in prepared.notes)


def _sound_of(**options: Any) -> Build:
    return lambda folder: sounds(folder, **options)


def _table(folder: Path) -> Path:
    return table(folder / "data.csv")


_LONG = "x" * 240
_UNICODE = ("ψ größe 猫", "🐕")


FOLDERS = {
    "empty folder": Hostile(build=lambda f: f, says="holds no images, sounds or tables"),
    "only notes": Hostile(build=changed(lambda f: f, with_bytes("readme.md", b"x")), says="none of them images"),
    "one class": Hostile(build=lambda f: images(f, ("cat",)), says="needs at least two classes"),
    "no class folders": Hostile(
        build=lambda f: write_image(f / "a.png").parent, names="a.png", says="in no folder of a class"
    ),
    "link in a circle": Hostile(build=loop, names="again", says="is a link back to a folder above it"),
    "link to nothing": Hostile(
        build=changed(images, lambda f: (f / "cat" / "gone.png").symlink_to(f / "nowhere")),
        names="gone.png",
        says="is a link to nothing",
    ),
    "pipe among images": Hostile(
        build=changed(images, lambda f: os.mkfifo(f / "cat" / "pipe.png")), gives=_shape(8, 8, 3)
    ),
    "hidden files": Hostile(build=changed(images, with_bytes("cat/.DS_Store", b"x")), gives=_labels("cat", "dog")),
    "other files": Hostile(build=changed(images, with_bytes("cat/a.doc", b"x")), gives=_notes("left out: 1 x .doc")),
    "twenty folders deep": Hostile(build=deep, says="16 folders deep"),
    "cat and cats": Hostile(build=lambda f: images(f, ("cat", "cats")), gives=_labels("cat", "cats")),
    "unicode classes": Hostile(build=lambda f: images(f, _UNICODE), gives=_labels(*sorted(_UNICODE))),
    "very long classes": Hostile(build=lambda f: images(f, (_LONG, "b")), gives=_labels("b", _LONG)),
    "300 classes": Hostile(
        build=lambda f: images(f, [f"c{i:03}" for i in range(300)], n=3, size=(2, 2)),
        gives=lambda found: found.data.n_classes == 300,
    ),
    "class with a line break": Hostile(build=lambda f: images(f, ("a\nb", "c")), says="one line of visible characters"),
    "class not in utf-8": Hostile(
        build=lambda f: images(f, (os.fsdecode(b"a\xff"), "c")), says="one line of visible characters"
    ),
    "training beside more": Hostile(
        build=lambda f: images(images(f / "train").parent / "more").parent, says="which is no part of the data"
    ),
    "test without training": Hostile(build=lambda f: images(f / "test").parent, says="nothing is for training"),
    "class in test alone": Hostile(
        build=lambda f: images(images(f / "train").parent / "test", ("cat", "cow")).parent, says="label 'cow' is in"
    ),
    "test copied from training": Hostile(build=copied_test, says="24 of 24 test samples are in the parts before it"),
    "some test images in training": Hostile(build=few_copies, gives=_notes("of 30 test samples have the inputs")),
    "wrong file name": Hostile(
        build=lambda f: images(f, ("a_1", "b")),
        names="000.png",
        says="is not built as",
        options={"file_name": "{label}_{_}/{id}"},
    ),
    "name that could be matched in many ways": Hostile(
        build=lambda f: write_image(f / ("a" * 200 + ".png")).parent,
        says="is not built as",
        options={"file_name": "{label}a{b}a{c}a{d}a{e}a{f}a{g}a{h}b"},
    ),
}

IMAGES = {
    "empty image": Hostile(build=changed(images, with_bytes("cat/002.png", b"")), names="002.png", says="is empty"),
    "image cut short": Hostile(build=changed(images, cut("cat/002.png", 0.6)), names="002.png", says="damaged image"),
    "photograph cut short": Hostile(
        build=changed(lambda f: write_image(images(f) / "cat" / "a.jpg", (64, 64)).parents[1], cut("cat/a.jpg", 0.5)),
        names="a.jpg",
        says="damaged image",
    ),
    "header alone": Hostile(build=changed(images, cut("cat/002.png", 0.1)), names="002.png", says="image"),
    "text called image": Hostile(
        build=changed(images, with_bytes("dog/001.png", b"hello")), names="001.png", says="no image of a kind"
    ),
    "program called image": Hostile(
        build=changed(images, with_bytes("dog/001.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")),
        names="001.png",
        says="no image of a kind",
    ),
    "one pixel": Hostile(build=lambda f: images(f, size=(1, 1)), gives=_shape(1, 1, 3)),
    "one pixel among others": Hostile(
        build=lambda f: write_image(images(f) / "cat" / "a.png", (1, 1)).parents[1], gives=_notes("1 x 1 to 8 x 8")
    ),
    "one row of pixels": Hostile(build=lambda f: images(f, size=(1, 5000)), gives=_shape(96, 96, 3)),
    "200 megapixels declared": Hostile(
        build=changed(images, with_bytes("cat/002.png", png(20_000, 10_000))),
        names="002.png",
        says="too large an image",
    ),
    "80 megapixels declared": Hostile(
        build=changed(images, with_bytes("cat/002.png", png(10_000, 8_000))), names="002.png", says="too large an image"
    ),
    "nothing behind the header": Hostile(
        build=changed(images, with_bytes("cat/002.png", png(3_000, 3_000))), names="002.png", says="damaged image"
    ),
    "text that unpacks to 200 MB": Hostile(
        build=changed(images, with_bytes("cat/002.png", png(8, 8, (b"zTXt", b"a\0\0" + zeros(200_000_000))))),
        names="002.png",
        says="image",
    ),
    "more than fits": Hostile(
        build=lambda f: images(f, n=60, size=(1, 1)),
        says="need 6039797760 bytes, the most is",
        options={"image_height": 4096, "image_width": 4096},
    ),
    "grey beside colour": Hostile(build=lambda f: images(images(f, mode="L"), ("cow",)), gives=_shape(8, 8, 3)),
    "print colours": Hostile(
        build=lambda f: write_image(images(f) / "cat" / "a.jpg", mode="CMYK").parents[1], gives=_shape(8, 8, 3)
    ),
    "transparent": Hostile(build=lambda f: images(f, mode="RGBA"), gives=_shape(8, 8, 3)),
}

SOUNDS = {
    "empty sound": Hostile(build=changed(sounds, with_bytes("yes/001.wav", b"")), names="001.wav", says="is empty"),
    "sound cut short": Hostile(build=changed(sounds, cut("yes/001.wav", 0.5)), gives=_notes("1 sounds end before")),
    "no sample": Hostile(build=changed(sounds, with_bytes("yes/001.wav", wav(b""))), names="001.wav", says="0 samples"),
    "text called sound": Hostile(
        build=changed(sounds, with_bytes("yes/001.wav", b"hello")), names="001.wav", says="no sound that can be read"
    ),
    "4 GB declared": Hostile(
        build=changed(sounds, with_bytes("yes/001.wav", wav(b"\1\0" * 99, declared=0xFFFFFFF0))),
        gives=_notes("1 sounds end before"),
    ),
    "no channel": Hostile(
        build=changed(sounds, with_bytes("yes/001.wav", wav(b"\1\0" * 99, channels=0))),
        names="001.wav",
        says="no sound",
    ),
    "1000 channels": Hostile(
        build=changed(sounds, with_bytes("yes/001.wav", wav(b"\1\0" * 9000, channels=1000))),
        names="001.wav",
        says="1000 channels",
    ),
    "no sample rate": Hostile(
        build=changed(sounds, with_bytes("yes/001.wav", wav(b"\1\0" * 99, rate=0))), names="001.wav", says="no sound"
    ),
    "4 GHz": Hostile(
        build=changed(sounds, with_bytes("yes/001.wav", wav(b"\1\0" * 99, rate=2_000_000_000))),
        names="001.wav",
        says="2000000000 Hz",
    ),
    "an hour and more": Hostile(
        build=changed(sounds, with_bytes("yes/001.wav", wav(b"\1\0" * 4000, rate=1))),
        names="001.wav",
        says="s of sound",
    ),
    "20 GiB declared": Hostile(build=changed(sounds, endless_flac), names="001.flac", says="the most is 512 MiB"),
    "not finite": Hostile(build=infinite_sound, names="a.wav", says="not finite"),
    "silence": Hostile(build=silence, says="nothing can be learnt"),
    "8 bits": Hostile(build=lambda f: sounds(f, subtype="PCM_U8"), gives=_shape(800)),
    "24 bits": Hostile(build=lambda f: sounds(f, subtype="PCM_24"), gives=_shape(800)),
    "32 bits": Hostile(build=lambda f: sounds(f, subtype="PCM_32"), gives=_shape(800)),
    "broken numbers": Hostile(build=lambda f: sounds(f, subtype="FLOAT"), gives=_shape(800)),
    "telephone coding": Hostile(build=lambda f: sounds(f, subtype="ULAW"), gives=_shape(800)),
    "stereo": Hostile(build=lambda f: sounds(f, channels=2), gives=_notes("12 sounds of several channels")),
    "two rates": Hostile(
        build=lambda f: write_sound(sounds(f) / "no" / "a.wav", rate=44_100).parents[1],
        gives=_notes("1 sounds are resampled from 44100 Hz to 8000 Hz"),
    ),
}

TABLES = {
    "row too long": Hostile(
        build=csv("data.csv", numbered(20, lambda i: "1,2,u,9" if i == 7 else f"{i},2,{'uv'[i % 2]}")),
        names="data.csv",
        says="line 9: 4 fields, but there are 3 columns",
    ),
    "row too short": Hostile(
        build=csv("data.csv", numbered(20, lambda i: "1,2" if i == 7 else f"{i},2,{'uv'[i % 2]}")),
        names="data.csv",
        says="line 9: 2 fields, but there are 3 columns",
    ),
    "wrong separator": Hostile(build=_table, names="data.csv", says="no column left", options={"separator": ";"}),
    "missing numbers": Hostile(
        build=lambda f: table(f / "data.csv", changes={(3, 0): "NaN", (4, 0): ""}), gives=_notes("column's median: a (")
    ),
    "infinity": Hostile(
        build=lambda f: table(f / "data.csv", changes={(3, 0): "-inf"}), names="data.csv", says="-inf in data row 4"
    ),
    "missing label": Hostile(
        build=lambda f: table(f / "data.csv", changes={(3, 2): ""}), names="data.csv", says="no value in data row 4"
    ),
    "text among numbers": Hostile(
        build=lambda f: table(f / "data.csv", n=60, changes={(3, 0): "o.5"}),
        names="data.csv",
        says="'o.5' in data row 4",
    ),
    "no such label": Hostile(
        build=_table,
        names="data.csv",
        says="no column 'kidn' (data_options.label): did you mean",
        options={"label": "kidn"},
    ),
    "no such position": Hostile(build=_table, names="data.csv", says="no column '7'", options={"label": "7"}),
    "no such group": Hostile(build=_table, names="data.csv", says="no column 'who'", options={"group_by": "who"}),
    "decimal comma": Hostile(
        build=csv("data.csv", numbered(20, lambda i: f"{i},5;2,25;{'uv'[i % 2]}", "a;b;kind\n")), gives=_shape(2)
    ),
    "no header": Hostile(build=csv("data.csv", numbered(20, lambda i: f"{i},2.5,{'uv'[i % 2]}", "")), gives=_shape(2)),
    "header alone": Hostile(build=csv("data.csv", "a,b,kind\n"), names="data.csv", says="has no"),
    "one row": Hostile(build=csv("data.csv", "a,b,kind\n1,2,u\n"), names="data.csv", says="at least two classes"),
    "no column of inputs": Hostile(
        build=csv("data.csv", numbered(20, lambda i: "uv"[i % 2], "kind\n")), names="data.csv", says="no column left"
    ),
    "utf-16": Hostile(build=csv("data.csv", "a,kind\n1,u\n".encode("utf-16")), names="data.csv", says="UTF-8"),
    "byte order mark": Hostile(
        build=csv("data.csv", b"\xef\xbb\xbf" + numbered(20, lambda i: f"{i},2.5,{'uv'[i % 2]}").encode()),
        gives=lambda found: found.data.table is not None and found.data.table.input_names == ("a", "b"),
    ),
    "latin-1": Hostile(build=csv("data.csv", "a,kind\n1,größe\n".encode("latin-1")), names="data.csv", says="UTF-8"),
    "zero bytes": Hostile(build=csv("data.csv", b"\0" * 1000), names="data.csv", says="zero bytes"),
    "open quote": Hostile(
        build=csv("data.csv", 'a,kind\n1,"u\n2,v\n'), names="data.csv", says="cannot be read as a table"
    ),
    "two million characters": Hostile(
        build=csv("data.csv", "a,kind\n" + "1" * 2_000_000), names="data.csv", says="over a million characters"
    ),
    "names as inputs": Hostile(
        build=csv("data.csv", numbered(200, lambda i: f"n{i},2,{'uv'[i % 2]}")),
        names="data.csv",
        says="200 different texts",
    ),
    "the same name twice": Hostile(
        build=csv("data.csv", numbered(20, lambda i: f"{i},2,{'uv'[i % 2]}", "a,a,kind\n")), gives=_shape(2)
    ),
    "column without values": Hostile(
        build=csv("data.csv", numbered(20, lambda i: f"{i},,{'uv'[i % 2]}")), gives=_notes("left out: b")
    ),
    "1001 classes": Hostile(
        build=csv("data.csv", numbered(1001, lambda i: f"{i}.5,2,c{i}")), names="data.csv", says="1001 classes"
    ),
    "damaged parquet": Hostile(
        build=csv("data.parquet", b"PAR1" + b"\xff" * 500 + b"PAR1"), names="data.parquet", says="damaged"
    ),
    "lists in parquet": Hostile(build=parquet(20, a=[[1, 2]] * 20), names="data.parquet", says="is of type List"),
    "a billion rows in a small file": Hostile(build=long_parquet, names="data.parquet", says="the most is"),
    "a path out of the folder": Hostile(
        build=named_files("../../../../etc/passwd,1"),
        names="list.csv",
        says="no such file below",
        options={"file": "name"},
    ),
    "a file that is not there": Hostile(
        build=named_files("9.png,1"), names="list.csv", says="names '9.png' in data row 7", options={"file": "name"}
    ),
}

SERIES = {
    "no @data": Hostile(
        build=lambda f: ts_file(f / "a.ts", tags=("@classLabel true u v",)), names="a.ts", says="no line @data"
    ),
    "no cases": Hostile(build=lambda f: ts_file(f / "a.ts", ("#",)), names="a.ts", says="has no cases"),
    "value missing": Hostile(build=lambda f: ts_file(f / "a.ts", ("1,?,3:u",)), names="a.ts, line 3", says="no number"),
    "value nan": Hostile(build=lambda f: ts_file(f / "a.ts", ("1,nan,3:u",)), names="a.ts, line 3", says="no value"),
    "unequal channels": Hostile(
        build=lambda f: ts_file(f / "a.ts", ("1,2,3:1,2:u",)), names="a.ts, line 3", says="channels have 3, 2 values"
    ),
    "class not declared": Hostile(
        build=lambda f: ts_file(f / "a.ts", ("1,2,3:w",)), names="a.ts, line 3", says="class 'w' is none of u, v"
    ),
    "other columns": Hostile(
        build=lambda f: write_rows(recordings(f) / "run" / "z.csv", [[1, 2]], ("ax", "az")).parents[1],
        names="z.csv",
        says="has the columns ax, az",
    ),
    "gap in a recording": Hostile(
        build=lambda f: write_rows(recordings(f) / "run" / "z.csv", [[1, 2], ["", 2]], ("ax", "ay")).parents[1],
        names="z.csv",
        says="no value in row 2, channel 0",
    ),
    "text in a recording": Hostile(
        build=lambda f: write_rows(recordings(f) / "run" / "z.csv", [["x", 2]], ("ax", "ay")).parents[1],
        names="z.csv",
        says="holds texts",
    ),
    "window longer than all": Hostile(build=recordings, says="no recording has 11 rows", options={"window": 11}),
    "recordings of one person": Hostile(
        build=lambda f: recordings(f, n=2, rows=40), says="in 2 of 4 groups, at least 3", options={"window": 10}
    ),
}

ARRAYS = {
    "pickle": Hostile(build=pickled, names="data.npz", says="is not an .npz archive"),
    "objects": Hostile(build=objects, names="data.npz", says="Python objects, which are never unpickled"),
    "5 GB declared in 1 kB": Hostile(
        build=npz_of({"x_train": npy("(1250000000,)", "<f4"), "y_train": npy("(1,)", "<i4", b"\0" * 4)}),
        names="data.npz",
        says="5000000000 bytes, but holds 0",
    ),
    "negative length": Hostile(
        build=npz_of({"x_train": npy("(-1, 4)", "<f4"), "y_train": npy("(1,)", "<i4", b"\0" * 4)}),
        names="data.npz",
        says="declares shape (-1, 4)",
    ),
    "function that is not there": Hostile(build=lambda _: Path("os:nothing"), says="AttributeError"),
    "function that gives something else": Hostile(build=lambda _: Path("os:getcwd"), says="returned str"),
}

HOSTILE = {**FOLDERS, **IMAGES, **SOUNDS, **TABLES, **SERIES, **ARRAYS}


def _settings(options: dict[str, Any]) -> list[str]:
    return [part for key, value in options.items() for part in ("--set", f"data_options.{key}={json.dumps(value)}")]


@pytest.mark.parametrize("case", [name for name, each in HOSTILE.items() if each.gives is None])
def test_refused(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command line ends with exit 3 and a sentence that names the file and the reason."""
    hostile = HOSTILE[case]
    reference = hostile.build(tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    settings = _settings(hostile.options)
    code = main(
        ["search", "--data", str(reference), "--device", "nucleo-l432kc", "--runs-dir", str(tmp_path), *settings]
    )
    said = capsys.readouterr().err
    assert code == 3, said
    assert "Traceback" not in said
    assert hostile.says in said
    assert (hostile.names or reference.name) in said
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < _MOST_GROWTH_KB


@pytest.mark.parametrize("case", [name for name, each in HOSTILE.items() if each.gives is not None])
def test_works(case: str, tmp_path: Path) -> None:
    """It loads, and what was done about it is what it should be."""
    hostile = HOSTILE[case]
    reference = hostile.build(tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = inspect(str(reference), DataOptions(**hostile.options))
    assert hostile.gives is not None
    assert hostile.gives(found), (found.data.input_shape, found.data.labels, found.notes)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < _MOST_GROWTH_KB


def test_there_are_enough() -> None:
    """The project promises sixty."""
    assert len(HOSTILE) >= 60
