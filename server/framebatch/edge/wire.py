"""From a message to a frame and from a frame to an answer. The only place that knows both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError

from framebatch.clock import ms_to_ns, ns_to_ms, ns_to_seconds
from framebatch.edge.priorities import Priorities
from framebatch.errors import InvalidFrame
from framebatch.frame import EncodedPicture, Frame, Outcome, Priority, RawPicture, Region
from framebatch_proto.v1 import detector_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch.frame import Header, Model, Picture

__all__ = ["WireFormat"]

MAX_CAMERA_CHARACTERS: Final = 128
MAX_BUDGET_MS: Final = 3_600_000.0
OUTCOMES: Final = {outcome: pb.Outcome.Value(f"OUTCOME_{outcome.value}") for outcome in Outcome}
PRIORITIES: Final = {pb.Priority.Value(f"PRIORITY_{priority.name}"): priority for priority in Priority}
LAYOUTS: Final = {pb.PIXEL_LAYOUT_BGR: "bgr", pb.PIXEL_LAYOUT_RGB: "rgb", pb.PIXEL_LAYOUT_GRAY: "gray"}


class WireFormat:
    """Conversion for all served models."""

    def __init__(
        self,
        *,
        read_header: Callable[[Picture], Header],
        find_model: Callable[[str], Model],
        deadline_ns: int,
        wall_clock_ns: Callable[[], int],
        priorities: Priorities | None = None,
    ) -> None:
        """Set the constants.

        Args:
            read_header: checks a picture's header; raises InvalidFrame.
            find_model: which model a name means, empty for the default; raises InvalidFrame for what is not served.
            deadline_ns: the budget of a frame that names none.
            wall_clock_ns: nanoseconds since the Unix epoch, for Timing.age_seconds.
            priorities: of cameras whose class the configuration fixes; None: of none.
        """
        self._read_header = read_header
        self._find_model = find_model
        self._deadline_ns = deadline_ns
        self._wall_clock_ns = wall_clock_ns
        self._priorities = priorities or Priorities({})

    def __repr__(self) -> str:
        return f"WireFormat(deadline={ns_to_ms(self._deadline_ns):g} ms)"

    def frame(
        self,
        message: bytes,
        *,
        camera: str,
        arrival_ns: int,
        call_deadline_ns: int | None,
        reply: Callable[[Frame], None],
    ) -> tuple[Frame, str]:
        """A frame, and what is wrong with it (empty: nothing). Never raises for what the client sent.

        Args:
            message: a serialised framebatch.v1.Frame.
            camera: the stream's camera, used when the frame names none.
            arrival_ns: when the message had been read.
            call_deadline_ns: when the gRPC call ends; None when it may go on.
            reply: for the frame.
        """
        try:
            wire = pb.Frame.FromString(message)
        except DecodeError:
            wire = pb.Frame()
            problem = "the message is not a framebatch.v1.Frame"
        else:
            problem = ""
        frame = Frame(
            camera=wire.camera or camera,
            sequence=wire.sequence,
            live=wire.mode == pb.MODE_LIVE,
            picture=None,
            arrival_ns=arrival_ns,
            deadline_ns=arrival_ns + self._deadline_ns,
            reply=reply,
        )
        if not problem:
            try:
                self._fill(frame, wire)
            except InvalidFrame as error:
                problem = str(error)
        if call_deadline_ns is not None and call_deadline_ns < frame.deadline_ns:
            frame.deadline_ns = call_deadline_ns
        return frame, problem

    def _fill(self, frame: Frame, wire: pb.Frame) -> None:
        """Check the fields one after the other; raises InvalidFrame at the first that is wrong."""
        characters = len(frame.camera)
        if characters > MAX_CAMERA_CHARACTERS:
            frame.camera = frame.camera[:MAX_CAMERA_CHARACTERS]  # it becomes a label of metrics
            raise InvalidFrame(f"camera has {characters} characters; at most {MAX_CAMERA_CHARACTERS} are allowed")
        frame.model = self._find_model(wire.model)
        if wire.HasField("deadline_ms"):
            budget_ms = wire.deadline_ms
            if not 0 < budget_ms <= MAX_BUDGET_MS:
                raise InvalidFrame(
                    f"deadline_ms is {budget_ms:g}; give a budget above 0 and at most {MAX_BUDGET_MS:.0f} ms, "
                    "or leave it out for the server's default"
                )
            frame.deadline_ns = frame.arrival_ns + ms_to_ns(budget_ms)
        frame.priority = self._priorities.of(frame.camera, PRIORITIES.get(wire.priority, Priority.NORMAL))
        if wire.HasField("next_frame_ms"):
            if not wire.next_frame_ms > 0:
                raise InvalidFrame(f"next_frame_ms is {wire.next_frame_ms:g}; it must be above 0, or be left out")
            frame.next_frame_ns = ms_to_ns(min(wire.next_frame_ms, MAX_BUDGET_MS))
        if wire.HasField("capture_time_unix_ns"):
            frame.capture_unix_ns = wire.capture_time_unix_ns
        frame.picture = self._picture(wire)
        frame.header = header = self._read_header(frame.picture)
        if wire.HasField("region"):
            region = Region(wire.region.x, wire.region.y, wire.region.width, wire.region.height)
            if not (
                region.width
                and region.height
                and region.x + region.width <= header.width
                and region.y + region.height <= header.height
            ):
                raise InvalidFrame(
                    f"region is {region.width} x {region.height} at ({region.x}, {region.y}); it must have an area "
                    f"and lie inside the picture of {header.width} x {header.height} pixels"
                )
            frame.region = region

    @staticmethod
    def _picture(wire: pb.Frame) -> Picture:
        kind = wire.WhichOneof("picture")
        if kind == "encoded":
            return EncodedPicture(wire.encoded)
        if kind == "raw":
            raw = wire.raw
            layout = LAYOUTS.get(raw.layout)
            if layout is None:
                raise InvalidFrame(f"raw.layout is {raw.layout}; give PIXEL_LAYOUT_BGR, _RGB or _GRAY")
            return RawPicture(raw.pixels, raw.width, raw.height, layout)
        raise InvalidFrame("picture is missing; give encoded (JPEG, PNG, WebP or BMP bytes) or raw pixels")

    def answer(self, frame: Frame) -> bytes:
        """A serialised framebatch.v1.Answer for a frame that has its outcome."""
        outcome = frame.outcome
        if outcome is None:
            raise ValueError(f"{frame!r} has no outcome yet")
        answer = pb.Answer(
            sequence=frame.sequence,
            camera=frame.camera,
            outcome=OUTCOMES[outcome],
            reason=frame.reason,
            batch_size=frame.batch_size,
            model=frame.model.name,
            model_version=frame.model.version,
        )
        timing = answer.timing
        timing.total_seconds = ns_to_seconds(frame.answered_ns - frame.arrival_ns)
        if frame.ready_ns:
            timing.decode_seconds = ns_to_seconds(frame.ready_ns - frame.arrival_ns)
        if frame.parsed_ns:
            timing.queue_seconds = ns_to_seconds(frame.started_ns - frame.ready_ns)
            timing.device_seconds = ns_to_seconds(frame.finished_ns - frame.started_ns)
            timing.post_seconds = ns_to_seconds(frame.parsed_ns - frame.finished_ns)
        if frame.capture_unix_ns is not None:
            timing.age_seconds = ns_to_seconds(self._wall_clock_ns() - frame.capture_unix_ns)
        if frame.header is not None:
            answer.width = frame.header.width
            answer.height = frame.header.height
        detections = frame.detections
        if detections is not None and len(detections):
            add, labels = answer.detections.add, frame.model.labels
            for box, score, class_id in zip(
                detections.boxes.tolist(), detections.scores.tolist(), detections.class_ids.tolist(), strict=True
            ):
                x1, y1, x2, y2 = box
                label = labels[class_id] if class_id < len(labels) else str(class_id)
                add(x1=x1, y1=y1, x2=x2, y2=y2, score=score, class_id=class_id, label=label)
        return answer.SerializeToString()
