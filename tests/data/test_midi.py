"""Music into files and back: what was written is read, and what is no music is refused in a sentence."""

import io

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diabolo.data import midi
from diabolo.errors import DataError, FileError, MissingFileError, ParameterError


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.sampled_from([88, 128]), st.integers(1, 96))
def test_a_roll_comes_back(tmp_path_factory, seed, length, width, steps):
    draw = np.random.default_rng(seed)
    roll = draw.random((length, width)) < draw.choice([0.0, 0.05, 0.5, 1.0])
    file = tmp_path_factory.mktemp("music") / "a.mid"
    midi.write(file, roll, steps=steps)
    found = midi.read(file, steps)
    assert found.dtype == np.uint8
    assert found.shape == (length, 128)
    below = 21 if width == 88 else 0
    np.testing.assert_array_equal(found[:, below : below + width], roll)
    assert found.sum() == roll.sum()


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 15), st.sampled_from([3, 4, 7]))
def test_lines_come_back(tmp_path_factory, seed, length, voices, steps):
    draw = np.random.default_rng(seed)
    lines = draw.choice([-1, 0, 60, 61, 127], size=(length, voices))
    lines[draw.integers(length)] = 64  # each sounds once
    file = tmp_path_factory.mktemp("music") / "a.mid"
    midi.write(file, lines, steps=steps)
    np.testing.assert_array_equal(midi.read_lines(file, steps), lines)
    np.testing.assert_array_equal(midi.read(file, steps).sum(1) > 0, (lines >= 0).any(1))


def test_the_tempo_is_told_and_the_notes_have_their_places(tmp_path):
    midi.write(tmp_path / "a.mid", [-1, 60, 60, 62], tempo=90, steps=2)
    song = mido.MidiFile(tmp_path / "a.mid")
    assert song.length == pytest.approx(4 / 2 * 60 / 90)
    told = [m.tempo for m in song.tracks[0] if m.type == "set_tempo"]
    assert mido.tempo2bpm(told[0]) == pytest.approx(90)
    notes = [(m.type, m.note, m.time) for m in song.tracks[0] if not m.is_meta]
    quarter = song.ticks_per_beat
    assert notes == [
        *[("note_on", 60, quarter // 2), ("note_off", 60, quarter)],
        *[("note_on", 62, 0), ("note_off", 62, quarter // 2)],
    ]


def test_voices_have_channels_of_their_own_and_none_is_the_drums(tmp_path):
    midi.write(tmp_path / "a.mid", np.full((2, 15), 60))
    channels = [m.channel for track in mido.MidiFile(tmp_path / "a.mid").tracks for m in track if m.type == "note_on"]
    assert len(set(channels)) == 15
    assert 9 not in channels


def song(file, *messages, ticks=480, kind=1):
    made = mido.MidiFile(type=kind, ticks_per_beat=ticks)
    made.tracks.append(mido.MidiTrack(messages))
    made.save(file)
    return file


def note(kind, pitch, time, **more):
    return mido.Message(kind, note=pitch, time=time, **more)


def test_songs_of_others_are_read(tmp_path):
    file = song(
        tmp_path / "a.mid",
        *[note("note_on", 60, 0), note("note_on", 60, 118, velocity=0)],  # ended by silence, just before a step
        *[note("note_on", 36, 0, channel=9), note("note_on", 62, 125), note("note_on", 64, 119)],  # drums; never ended
    )
    assert np.argwhere(midi.read(file)).tolist() == [[0, 60], [2, 62], [3, 64]]
    assert np.argwhere(midi.read(file, 8)).tolist() == [[0, 60], [1, 60], [4, 62], [5, 62], [6, 64]]
    assert midi.read_lines(file).ravel().tolist() == [60, -1, 62, 64]


@pytest.mark.parametrize(
    ("music", "sentence"),
    [
        ([[0.5] * 128], "must hold 0 and 1 where it is a roll; got 0.5"),
        ([[2] * 88], "must hold 0 and 1 where it is a roll; got 2"),
        ([60, 128], "must hold pitches 0 to 127, or −1 for a rest, where it is lines; got 128"),
        ([60.5], "got 60.5"),
        ([np.nan], "got nan"),
        ([[60] * 16], "at most 15 .lines.; got 16"),
        ([], "got float64 of shape"),
        (["do", "re"], "got <U2 of shape"),
        (np.zeros((2, 3, 128)), "Write a batch piece by piece"),
    ],
    ids=repr,
)
def test_what_is_no_music_is_not_written(tmp_path, music, sentence):
    with pytest.raises(DataError, match=sentence):
        midi.write(tmp_path / "a.mid", music)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("knobs", "name"), [({"tempo": 0}, "tempo"), ({"steps": 0}, "steps"), ({"steps": 4.0}, "steps")]
)
def test_what_is_not_allowed_is_named(tmp_path, knobs, name):
    with pytest.raises(ParameterError, match=f"'{name}' of write must be"):
        midi.write(tmp_path / "a.mid", [60], **knobs)


def test_files_that_are_no_music_are_refused(tmp_path):
    with pytest.raises(MissingFileError, match=r"no file of music .*none.mid'; check the path"):
        midi.read(tmp_path / "none.mid")
    with pytest.raises(MissingFileError):
        midi.read(tmp_path)
    midi.write(tmp_path / "a.mid", np.arange(60, 70))
    whole = (tmp_path / "a.mid").read_bytes()
    for cut in range(len(whole)):
        (tmp_path / "b.mid").write_bytes(whole[:cut])
        with pytest.raises(FileError, match=r"Cannot read the music 'b.mid'"):
            midi.read(tmp_path / "b.mid")


@given(st.binary(max_size=60), st.integers(0, 100))
def test_edited_files_are_read_or_refused(tmp_path_factory, edit, place):
    buffer = io.BytesIO()
    made = mido.MidiFile()
    made.tracks.append(mido.MidiTrack([note("note_on", 60, 0), note("note_off", 60, 480)]))
    made.save(file=buffer)
    whole = bytearray(buffer.getvalue())
    whole[place : place + len(edit)] = edit
    file = tmp_path_factory.mktemp("music") / "a.mid"
    file.write_bytes(bytes(whole))
    try:
        assert midi.read(file).shape[1] == 128
    except FileError as error:
        assert "a.mid" in str(error)


def test_songs_without_end_or_quarters_are_refused(tmp_path):
    endless = song(tmp_path / "a.mid", *[note("note_on", 60, 2**27)] * 8, ticks=1)
    with pytest.raises(FileError, match=r"longer than 1048576 steps, the most that is read; cut it"):
        midi.read(endless)
    beside = song(tmp_path / "b.mid", note("note_on", 60, 0), kind=2)
    with pytest.raises(FileError, match="save it as format 1"):
        midi.read(beside)


def test_what_is_no_line_is_told(tmp_path):
    chord = np.zeros((2, 128), np.uint8)
    chord[:, [60, 64]] = 1
    midi.write(tmp_path / "a.mid", chord)
    with pytest.raises(DataError, match=r"Track 1 of 'a.mid' has two notes at once, at step 0"):
        midi.read_lines(tmp_path / "a.mid")
    midi.write(tmp_path / "b.mid", [-1, -1])
    assert midi.read(tmp_path / "b.mid").shape == (2, 128)
    with pytest.raises(DataError, match=r"'b.mid' holds no notes"):
        midi.read_lines(tmp_path / "b.mid")
