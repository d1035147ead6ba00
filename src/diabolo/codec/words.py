"""Text deflated after a dictionary: the words that nearly all headers and models have cost a few bytes together."""

from __future__ import annotations

import zlib

WORDS = r"""
"channels":3,"dtype":"<u2","dtype":"|u1","coding":{"part":"coders.Pixels"}{"part":"coders.Transform"}"shapes":[[3,"cou
nt":1,"per_chunk":1,"step":1,"form":"list"}"form":"tensor"}"form":"array","kind":"images","promise":"PSNR(x̂, x) ≥  dB
"bits ≤ "beside":{"files":[{"name":"","rows":,"bytes":,"sha256":"","channels":,"axes":{"frame":"polars","schema":"ffff
ffff","large_string"],["","string_view"],{"grid":"Listed","words":["","True","False"{"frame":"pandas","schema":"ffffff
ffc80000001000000000000a000c000600050008000a0000000001040004000000ccffffff04000000010000003800000008000000040000000200
0000800000006c00000050000000300000001c000000040000004cffffff000001061000000018000000040000000000000005000000000000003c
ffffff00000114100000001c0000000400000000000000040000000000000004000400040000001affffff00000105100000001c00000004000000
00000000060000000000000000000a101400000004000000000000000300000052ffffff00000200d8ffffff000001031000000014000000040000
000000000001000000630000006cffffff000001021000000020000000040000000000000001000000a4ffffff0000000140000000000000001000
14000800060007000c000000100010000000000001031000000018000000040000000000000001000000000600080006000600000000000200","c
ategories":{},"metadata":{"pandas":"{\"index_columns\": [{\"kind\": \"range\", \"name\": null, \"start\": 0, \"stop\"
: 1000, \"step\": 1}], \"column_indexes\": [{\"name\": null, \"field_name\": null, \"pandas_type\": \"unicode\", \"num
py_type\": \"object\", \"metadata\": {\"encoding\": \"UTF-8\"}}], \"columns\": [{\"name\": \"\", \"pandas_type\": \"ca
tegorical\", \"numpy_type\": \"int8\", \"metadata\": {\"num_categories\": 2, \"ordered\": false}}, {\"name\": \"", \"p
andas_type\": \"datetime\", \"numpy_type\": \"datetime64[ns]\", \"pandas_type\": \"bool\", \"numpy_type\": \"bool\", \
"metadata\": null}, {\"name\": \"\", \"pandas_type\": \"object\", \"numpy_type\": \"str\", \"metadata\": null}, {\"nam
e\": \"\", \"pandas_type\": \"int64\", \"numpy_type\": \"int64\", \"metadata\": null}, {\"name\": \"\", \"field_name\"
: \"a\", \"pandas_type\": \"float64\", \"numpy_type\": \"float64\", \"metadata\": null}, {\"name\": \"b\", \"field_nam
e\": \"b\", \"pandas_type\": \"float64\"}], \"attributes\": {}, \"creator\": {\"library\": \"pyarrow\", \"version\": \
"26.0.1\"}, \"pandas_version\": \"3.1.1\"}"}},"shape":[10,"],["","dictionary<values=string, indices=int8, ordered=0>"]
,["","timestamp[us]"],["","bool"],["","float"],["","string"],["","int64"],["","double"]],"grids":[null,{"grid":"Ordere
d","low":},{"grid":"Listed","words":["","{"grid":"Decimals","low":0,"digits":2},{"grid":"Whole","low":0,"unit":1},"err
ors":[0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0],"running":[true,true,[{"mends":[[0,-1,"begins":[]},["rows"],[{"kind":"t
able","columns":[["0","<i8"],["1","<i8"],["2","<i8"],["3","<i8"],["4","<i8"],[{"kind":"table","columns":[["0","<f8"],[
"1","<f8"],["2","<f8"],["3","<f8"],["4","<f8"],["5","<f8"],["6","<f8"],["7","<f8"],["8","<f8"],["9","<f8"]],{"part":"c
oders.Columns"},"promise":"x̂ = x","coding":null},["gaps","spans","weights","sizes","cells","groups"],[{"kind":"table"
,"columns":[["0","<f4"],["1","<f4"],["2","<f4"],["3","<f4"],["4","<f4"],["5","<f4"],["6","<f4"],["7","<f4"],["8","<f4"
],["9","<f4"]],"grids":[{"grid":"Steps","low":0.0,"step":0.0019995},{"grid":"Steps","low":"errors":[0.01,0.01,0.01,0.0
1,0.001,0.001,0.001,0.001],"running":[false,false,false,false,false,false,false,false],"coder":{"part":"coders.Rows","
before":null},"promise":"|x̂ − x| ≤ 0.01","coding":{}},["gaps","spans","weights","sizes","cells","groups","coding.net.
embed","coding.net.slope","coding.net.begin","coding.net.linear","coding.net.readout","coding.net.offset","coding.net.
lean","coding.net.start","coding.net.sharp","coding.net.blunt"], · range","raw":80000,"worst":0.0,"sheet":{"dtype":"<f
8","columns":10,"tensor":true},"shape":,"chunk_rows":{"kind":"table","promise":"x̂ = x","raw":1,"worst":0.0,"sheet":{"
{"kind":"table","promise":"|x̂ − x| ≤ 0.001","raw":1,"worst":0.00099,"sheet":{"dtype":"<f4","columns":,"tensor":false}
,"shape":[1000,,"model":","embedded":false}"embedded":true}
""".replace("\n", "").encode()
"""What every deflated text is taken to have before it; a file format, and so for ever as it is."""


def deflated(text: bytes, words: bytes = WORDS) -> bytes:
    """Return text as a raw deflate stream that begins where `words` end.

    Examples
    --------
    >>> len(deflated(b'{"kind":"table"}'))
    5
    >>> inflated(deflated(b'{"kind":"table"}') + b"more", 100)
    (b'{"kind":"table"}', b'more')
    """
    deflate = zlib.compressobj(9, wbits=-15, zdict=words)
    return deflate.compress(text) + deflate.flush()


def inflated(data: bytes, most: int, words: bytes = WORDS) -> tuple[bytes, bytes]:
    """Return the text of such a stream, of at most so many bytes, and what follows the stream.

    Raises
    ------
    ValueError, zlib.error
        If there is none, it is cut, or it holds more.
    """
    inflate = zlib.decompressobj(wbits=-15, zdict=words)
    text = inflate.decompress(data, most + 1)
    if len(text) > most or not inflate.eof:
        raise ValueError(f"more than {most} bytes, or cut")
    return text, inflate.unused_data
