"""Prove that the sans-I/O codecs round-trip what is valid and raise nothing but CodecError on what is not."""

from __future__ import annotations

import json
import struct

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.realtime import Packet, engine_codec, frames, json_codec, socket_codec
from relay.realtime.engine_codec import EnginePacket
from relay.realtime.errors import CodecError

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None, exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
binary_values = st.recursive(
    st.none() | st.integers(-(2**53), 2**53) | st.text() | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
namespaces = st.just("/") | st.from_regex(r"/[a-z0-9_]{1,12}", fullmatch=True)
engine_packets = st.builds(
    EnginePacket,
    st.integers(engine_codec.OPEN, engine_codec.NOOP),
    st.binary(max_size=30).filter(lambda data: b"\x1e" not in data),
) | st.builds(EnginePacket, st.just(engine_codec.MESSAGE), st.binary(max_size=30), st.just(True))


class TestEngineCodec:
    @given(st.lists(engine_packets, min_size=1, max_size=6))
    def test_a_payload_comes_back_as_it_was(self, packets: list[EnginePacket]) -> None:
        body = engine_codec.SEPARATOR.join(map(engine_codec.encode_text, packets))
        assert engine_codec.decode_payload(body) == packets

    @given(
        st.binary(max_size=60)
        | st.lists(st.sampled_from([b"4", b"b", b"\x1e", b"AQ==", b"9", b"", b"2"])).map(b"".join)
    )
    def test_garbage_raises_nothing_but_codec_error(self, body: bytes) -> None:
        try:
            packets = engine_codec.decode_payload(body)
        except CodecError:
            return
        assert len(packets) == body.count(b"\x1e") + 1

    @pytest.mark.parametrize("body", [b"", b"7", b"abc", b"4a\x1e", b"bAQ", b"b*", b"b\xff"])
    def test_malformed_packets_are_refused(self, body: bytes) -> None:
        with pytest.raises(CodecError):
            engine_codec.decode_payload(body)

    def test_the_open_packet_announces_milliseconds(self) -> None:
        text = engine_codec.encode_open("s", ["websocket"], 30.0, 0.2, 104857600)
        assert text == (
            b'0{"sid":"s","upgrades":["websocket"],"pingInterval":30000,"pingTimeout":200,"maxPayload":104857600}'
        )


class TestFrames:
    @pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 70000])
    def test_lengths_take_the_shortest_form(self, size: int) -> None:
        frame = frames.frame(frames.TEXT, b"x" * size)
        assert frame[0] == 0x81
        assert frame[1] & 0x80 == 0  # a server never masks
        if size < 126:
            length, start = frame[1], 2
        elif size < 65536:
            assert frame[1] == 126
            length, start = struct.unpack_from("!H", frame, 2)[0], 4
        else:
            assert frame[1] == 127
            length, start = struct.unpack_from("!Q", frame, 2)[0], 10
        assert length == size
        assert frame[start:] == b"x" * size


class TestSocketCodec:
    @given(namespaces, st.text(min_size=1), st.lists(json_values, max_size=4), st.none() | st.integers(0, 2**53))
    def test_an_event_comes_back_as_it_was(
        self, namespace: str, event: str, args: list[object], ack_id: int | None
    ) -> None:
        if ack_id is None:
            packet = Packet.event(namespace, event, *args)
        else:
            packet = Packet.call(namespace, ack_id, event, tuple(args))
        head = socket_codec.decode(packet.text, 1)
        assert (head.kind, head.namespace.decode(), head.ack_id, head.attachments) == (
            socket_codec.EVENT,
            namespace,
            ack_id,
            0,
        )
        assert socket_codec.decode_array(head.body) == [event, *args]

    @given(namespaces, st.lists(binary_values, max_size=4), st.integers(0, 2**53))
    def test_attachments_come_back_where_they_were(self, namespace: str, args: list[object], ack_id: int) -> None:
        packet = Packet.ack(namespace, ack_id, tuple(args))
        head = socket_codec.decode(packet.text, 1)
        assert head.attachments == len(packet.attachments)
        assert head.kind == (socket_codec.BINARY_ACK if packet.attachments else socket_codec.ACK)
        assert head.ack_id == ack_id
        assert socket_codec.decode_array(head.body, packet.attachments) == args

    @given(
        st.binary(max_size=80)
        | st.text(max_size=40).map(str.encode)
        | st.lists(
            st.sampled_from(
                [b"2", b"5", b"0", b"-", b"/a", b",", b"[", b"]", b'"e"', b"{}", b"17", b"?x", b"\xff", b"\\ud800"]
            )
        ).map(b"".join)
    )
    def test_garbage_raises_nothing_but_codec_error(self, text: bytes) -> None:
        try:
            head = socket_codec.decode(text)
            json_codec.check_utf8(head.body)
            parts = json_codec.split_array(head.body)
            values = socket_codec.decode_array(head.body, [b"1"] * head.attachments)
        except CodecError:
            return
        assert len(parts) == len(values)

    @pytest.mark.parametrize(
        "text",
        [
            b"",
            b"7",
            b"a",
            b"5",
            b"51",
            b"51[]",
            b"5-[]",
            b"599999-[]",
            b"2" + b"1" * 17 + b"[]",
            b"2/" + b"n" * 600 + b",[]",
        ],
    )
    def test_malformed_heads_are_refused(self, text: bytes) -> None:
        with pytest.raises(CodecError):
            socket_codec.decode(text)

    @pytest.mark.parametrize(
        ("text", "namespace", "body"),
        [
            (b"0", b"/", b""),
            (b"0/custom", b"/custom", b""),
            (b"0/custom,", b"/custom", b""),
            (b'0/custom?a=1,{"b":2}', b"/custom", b'{"b":2}'),
            (b"1/custom", b"/custom", b""),
            (b'0{"a":"/x,"}', b"/", b'{"a":"/x,"}'),
        ],
    )
    def test_the_namespace_is_found(self, text: bytes, namespace: bytes, body: bytes) -> None:
        head = socket_codec.decode(text)
        assert (head.namespace, head.body) == (namespace, body)

    @pytest.mark.parametrize("number", ["1", "-1", "true", '"0"', "null", "0.5"])
    def test_a_placeholder_that_names_no_attachment_is_refused(self, number: str) -> None:
        body = b'["e",{"_placeholder":true,"num":%b}]' % number.encode()
        with pytest.raises(CodecError):
            socket_codec.decode_array(body, [b"only"])

    @pytest.mark.parametrize("body", [b"[]", b'"a"', b"3", b"null", b"{", b"{}x"])
    def test_auth_is_an_object_or_nothing(self, body: bytes) -> None:
        assert socket_codec.decode_auth(b"") == {}
        with pytest.raises(CodecError):
            socket_codec.decode_auth(body)


class TestJson:
    @given(st.lists(json_values, max_size=5), st.sampled_from([(",", ":"), (" , ", " :\n")]))
    def test_the_pieces_of_an_array_are_its_elements(self, values: list[object], separators: tuple[str, str]) -> None:
        text = json.dumps(values, separators=separators).encode()
        assert [json.loads(bytes(part)) for part in json_codec.split_array(text)] == values

    @given(json_values)
    def test_lone_surrogates_survive_both_ways(self, value: object) -> None:
        text = json_codec.dumps(value)
        text.decode()  # valid UTF-8, or a viewer's browser would close with 1007
        assert json_codec.loads(text) == value

    def test_a_lone_surrogate_does_not_change_its_neighbours(self) -> None:
        text = rb'["event", {"a": "\ud83d", "b": [1.0, 1e2]} , "z"]'
        assert [bytes(part) for part in json_codec.split_array(text)] == [
            b'"event"',
            rb'{"a": "\ud83d", "b": [1.0, 1e2]}',
            b'"z"',
        ]

    @pytest.mark.parametrize(
        "text",
        [
            b"",
            b"[",
            b"[1",
            b"[1,",
            b"[1,]",
            b"[,1]",
            b"[1]x",
            b"[1 2]",
            b"{}",
            b"1",
            b'["\\ud83d"',
            b'["\\ud83d",]',
            b'["\\ud83d"]]',
            b'["\\ud83d",NaN]',
            b'["\\u00zz"]',
            b'["\\ud83d" 1]',
            b'{"\\ud83d":1}',
            b"[" * 100_000 + b"]" * 100_000,
            b'["\\ud83d",' + b"[" * 100_000 + b"]" * 100_000 + b"]",
        ],
    )
    def test_what_is_no_array_is_refused(self, text: bytes) -> None:
        with pytest.raises(CodecError):
            json_codec.split_array(text)

    @pytest.mark.parametrize("text", [b"NaN", b"-", b'"\\ud83d', b'["\\ud83d",NaN]', b"\xff", b'"\\ud83d\xff"'])
    def test_what_is_no_json_is_refused(self, text: bytes) -> None:
        with pytest.raises(CodecError):
            json_codec.loads(text)

    @pytest.mark.parametrize("extra", ["", "\ud83d"])
    def test_ready_json_is_spliced_in(self, extra: str) -> None:
        value = {"raw": msgspec.Raw(b'{"a":1}'), "fragment": orjson.Fragment(b"[2]"), "text": extra}
        assert json.loads(json_codec.dumps(value)) == {"raw": {"a": 1}, "fragment": [2], "text": extra}

    @pytest.mark.parametrize("extra", ["", "\ud83d"])
    def test_what_is_not_json_raises_type_error(self, extra: str) -> None:
        with pytest.raises(TypeError):
            json_codec.dumps([extra, object()])
        with pytest.raises(TypeError):
            json_codec.dumps([extra, b"bytes without a list to put them into"])

    def test_attachments_are_counted_once_when_the_fallback_takes_over(self) -> None:
        attachments: list[bytes] = []
        text = json_codec.dumps([b"one", "\ud83d", bytearray(b"two")], attachments)
        assert attachments == [b"one", b"two"]
        assert json.loads(text) == [
            {"_placeholder": True, "num": 0},
            "\ud83d",
            {"_placeholder": True, "num": 1},
        ]


class TestPacket:
    def test_spliced_bytes_stay_as_they_are(self) -> None:
        packet = Packet.spliced("/viewer", "event", b'{"a" : 1.0}')
        assert packet.text == b'42/viewer,["event",{"a" : 1.0}]'
        assert packet.wire == b"\x81" + bytes([len(packet.text)]) + packet.text

    def test_a_packet_with_attachments_is_one_text_and_its_binary_frames(self) -> None:
        packet = Packet.event("/", "e", b"\x01\x02")
        assert packet.text == b'451-["e",{"_placeholder":true,"num":0}]'
        assert packet.wire.endswith(b"\x82\x02\x01\x02")
        assert packet.polling_parts == [packet.text, b"bAQI="]

    def test_refusals_carry_data_only_when_there_is_any(self) -> None:
        assert Packet.connect_error("/hub", "no").text == b'44/hub,{"message":"no"}'
        assert Packet.connect_error("/", "no", {"code": 1}).text == b'44{"message":"no","data":{"code":1}}'

    def test_the_answer_to_connect_has_no_pid(self) -> None:
        assert Packet.connect("/hub", "abc").text == b'40/hub,{"sid":"abc"}'
