"""Music: piano rolls and voices into Standard MIDI Files and back.

A roll (T, 128) tells which keys are down at each step, a line (T, V) which pitch each of V voices has, −1 for none. A
pitch that goes on is one long note: neither form tells a held note from one struck again, and so neither is written.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diabolo.check import Number, Whole, demand, shorten
from diabolo.data.package import package
from diabolo.errors import DataError, FileError, MissingFileError
from diabolo.files import write_bytes
from diabolo.files.disk import explained, real

_PITCHES, _KEYS, _LOWEST_KEY = 128, 88, 21  # those of MIDI, and those of a piano
_VOICES = 15
"""Lines at most: a channel for each, but for that of the drums."""

_DRUMS = 9
_LOUD = 80
_TICKS = 480
"""Ticks of a quarter at least."""

_BYTES, _STEPS = 2**24, 2**20
"""Of a file that is read, at most."""

_STEPS_ALLOWED = Whole(1, 96)

Note = tuple[int, int, int, int]
"""Track, pitch, and the ticks at which it begins and ends."""


def write(path: str | os.PathLike[str], music: ArrayLike, tempo: float = 120.0, steps: int = 4) -> None:
    """Write a piano roll or lines as a Standard MIDI File, whole or not at all.

    Parameters
    ----------
    path : path
        Of the file, such as "song.mid".
    music : array (T, 128), (T, 88), (T,) or (T, V)
        A roll of 0 and 1 over all pitches of MIDI or over the keys of a piano, A0 to C8; or the pitches 0 to 127 of one
        line or of up to 15, −1 where it rests.
    tempo : float
        Quarters a minute.
    steps : int
        Steps of a quarter: 4 for sixteenths.

    Raises
    ------
    DataError
        If `music` is neither a roll nor lines.
    ParameterError
        If `tempo` or `steps` is outside what is allowed.
    FileError
        If the path cannot be written.
    CapabilityError
        If mido is not installed.

    References
    ----------
    MIDI Manufacturers Association, "The complete MIDI 1.0 detailed specification", 1996, Standard MIDI Files 1.0.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(f"{folder}/scale.mid", [60, 60, 62, 64, -1, 65])
    ...     read_lines(f"{folder}/scale.mid")[:, 0].tolist()
    [60, 60, 62, 64, -1, 65]
    """
    demand("tempo", "write", tempo, Number(4, 1000))
    demand("steps", "write", steps, _STEPS_ALLOWED)
    voices = _voices(np.asarray(music))
    mido, tick = package("mido", "music"), -(-_TICKS // steps)
    song = mido.MidiFile(type=1, ticks_per_beat=tick * steps)
    for number, voice in enumerate(voices):
        channel = number + (number >= _DRUMS)
        song.tracks.append(_track(mido, voice, tick, channel))
    song.tracks[0].insert(0, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(float(tempo))))
    buffer = io.BytesIO()
    song.save(file=buffer)
    write_bytes(path, buffer.getvalue())


def read(path: str | os.PathLike[str], steps: int = 4) -> NDArray[np.uint8]:
    """Return the piano roll (T, 128) of a Standard MIDI File, 1 where a pitch sounds; drums are left out.

    Notes begin and end at the nearest step and have one step at least, whatever the tempo.

    Parameters
    ----------
    path : path
        Of the file.
    steps : int
        Steps of a quarter.

    Raises
    ------
    FileError
        If there is no such file, or it cannot be read.
    ParameterError
        If `steps` is outside what is allowed.
    CapabilityError
        If mido is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(f"{folder}/chord.mid", [[60, 64, 67]] * 2)
    ...     np.argwhere(read(f"{folder}/chord.mid")).tolist()
    [[0, 60], [0, 64], [0, 67], [1, 60], [1, 64], [1, 67]]
    """
    notes, length = _notes(path, steps)
    roll = np.zeros((length, _PITCHES), np.uint8)
    for _, pitch, first, last in notes:
        roll[first:last, pitch] = 1
    return roll


def read_lines(path: str | os.PathLike[str], steps: int = 4) -> NDArray[np.int16]:
    """Return the pitches (T, V) of a Standard MIDI File of V tracks that sound, −1 where one rests.

    Tracks without notes are left out. Parameters and errors are those of `read`.

    Raises
    ------
    DataError
        If two notes of a track sound at once, or none does in all of them.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(f"{folder}/duet.mid", [[60, 48], [62, -1]])
    ...     read_lines(f"{folder}/duet.mid").tolist()
    [[60, 48], [62, -1]]
    """
    notes, length = _notes(path, steps)
    tracks = sorted({track for track, *_ in notes})
    lines = np.full((length, len(tracks)), -1, np.int16)
    for track, pitch, first, last in notes:
        line = lines[first:last, tracks.index(track)]
        if ((line >= 0) & (line != pitch)).any():
            raise DataError(
                f"Track {track + 1} of {Path(path).name!r} has two notes at once, at step {first}, and is no line; "
                "read it with read, as a roll."
            )
        line[:] = pitch
    if not tracks:
        raise DataError(f"{Path(path).name!r} holds no notes; read it with read, or give another file.")
    return lines


def _voices(music: NDArray[Any]) -> list[NDArray[np.bool_]]:
    """Return for each track which pitches sound, (T, 128)."""
    shape = music.shape
    if music.dtype.kind not in "buif" or music.ndim not in (1, 2) or not music.size:
        raise DataError(
            "Parameter 'music' of write must be a roll (T, 128) or (T, 88), or lines (T,) or (T, V), of numbers; got "
            f"{music.dtype} of shape {shape}. Write a batch piece by piece."
        )
    if len(shape) == 2 and shape[1] in (_KEYS, _PITCHES):
        return [_roll(music)]
    lines = music[:, None] if len(shape) == 1 else music
    if lines.shape[1] > _VOICES:
        raise DataError(
            f"Parameter 'music' of write must have 128 or 88 columns (a roll) or at most {_VOICES} (lines); got "
            f"{lines.shape[1]}."
        )
    if not np.isin(lines, np.arange(-1, _PITCHES)).all():
        odd = lines[~np.isin(lines, np.arange(-1, _PITCHES))][0]
        raise DataError(
            f"Parameter 'music' of write must hold pitches 0 to 127, or −1 for a rest, where it is lines; got "
            f"{shorten(odd.item())}. Round and clip it first."
        )
    return [line[:, None] == np.arange(_PITCHES) for line in lines.T]


def _roll(music: NDArray[Any]) -> NDArray[np.bool_]:
    if not np.isin(music, (0, 1)).all():
        odd = music[~np.isin(music, (0, 1))][0]
        raise DataError(
            f"Parameter 'music' of write must hold 0 and 1 where it is a roll; got {shorten(odd.item())}. "
            "Draw it, or ask which probabilities are above a half."
        )
    below = _LOWEST_KEY if music.shape[1] == _KEYS else 0
    return np.pad(music == 1, ((0, 0), (below, _PITCHES - below - music.shape[1])))


def _track(mido: Any, voice: NDArray[np.bool_], tick: int, channel: int) -> Any:
    """Return the track of a voice (T, 128): where pitches change, those that end come before those that begin."""
    change = np.diff(np.pad(voice, ((1, 1), (0, 0))).astype(np.int8), axis=0)  # (T + 1, 128): 1 begins, -1 ends
    track, now = mido.MidiTrack(), 0
    for step in np.flatnonzero(change.any(1)).tolist():
        for sign, kind in ((-1, "note_off"), (1, "note_on")):
            for pitch in np.flatnonzero(change[step] == sign).tolist():
                loud = _LOUD if sign > 0 else 0
                wait = (step - now) * tick
                track.append(mido.Message(kind, note=pitch, velocity=loud, time=wait, channel=channel))
                now = step
    track.append(mido.MetaMessage("end_of_track", time=(len(voice) - now) * tick))  # rests at the end count
    return track


def _notes(path: str | os.PathLike[str], steps: int) -> tuple[list[Note], int]:
    """Return the notes of a file with their ends in steps, and how many steps there are."""
    demand("steps", "read", steps, _STEPS_ALLOWED)
    mido, file = package("mido", "music"), real(path)
    song = _song(mido, file)
    each = song.ticks_per_beat / steps
    found, last = [], 0
    for number, track in enumerate(song.tracks):
        found += [(number, *note) for note in _sounding(track)]
        last = max(last, sum(message.time for message in track))
    if last / each > _STEPS:
        raise FileError(f"The music {file.name!r} is longer than {_STEPS} steps, the most that is read; cut it.")
    notes = [(number, pitch, *_span(begin / each, end / each)) for number, pitch, begin, end in found]
    return notes, max([round(last / each), *(note[3] for note in notes)])


def _song(mido: Any, file: Path) -> Any:
    if not file.is_file():  # a pipe or a device would be waited for without end
        raise MissingFileError(f"There is no file of music {str(file)!r}; check the path.")
    with explained(file, "read"):
        data = file.read_bytes() if file.stat().st_size <= _BYTES else b""
    try:
        song = mido.MidiFile(file=io.BytesIO(data))
        sound = 0 < song.ticks_per_beat < 2**15 and song.type in (0, 1)
    except Exception as error:  # broken files raise whatever comes to hand
        raise FileError(f"Cannot read the music {file.name!r} ({error!r}); give a Standard MIDI File.") from error
    if not sound:
        raise FileError(f"The music {file.name!r} counts no quarters, or has songs side by side; save it as format 1.")
    return song


def _sounding(track: Any) -> Iterator[tuple[int, int, int]]:
    """Yield pitch, first and last tick of the notes of a track; what is not ended ends with the track."""
    begun: dict[tuple[int, int], int] = {}
    now = 0
    for message in track:
        now += message.time
        if message.type not in ("note_on", "note_off") or message.channel == _DRUMS:
            continue
        key = message.channel, message.note
        if key in begun:
            yield message.note, begun.pop(key), now
        if message.type == "note_on" and message.velocity > 0:
            begun[key] = now
    for (_, pitch), begin in begun.items():
        yield pitch, begin, now


def _span(begin: float, end: float) -> tuple[int, int]:
    first = round(begin)
    return first, max(first + 1, round(end))
