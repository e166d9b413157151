"""How a model that is loaded comes to its profile: a given one, a stored one, a quick calibration, a brief measurement.

Finds, checks and calibrates; what a profile means for the detector is told by `basis`, measuring is `calibration`'s.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from framebatch.app.basis import Basis, above_choice, adopted, beyond, cut
from framebatch.app.calibrating import calibrate_command, logged, quick_profile
from framebatch.app.opening import engine_options, open_detector
from framebatch.calibration.identity import fingerprint_of
from framebatch.calibration.sweep import calibrate
from framebatch.clock import ns_to_ms, ns_to_seconds
from framebatch.detection.loading import warm_up
from framebatch.device.devices import parse_device
from framebatch.errors import UsageError
from framebatch.logs import event
from framebatch.profile import LatencyTable, ProfileStore, read_profile
from framebatch.profile.matching import differences, mismatch

if TYPE_CHECKING:
    from framebatch.app.calibrating import Calibrate, Shown
    from framebatch.config import Config
    from framebatch.detection.detector import Detector
    from framebatch.profile import Fingerprint, Profile

__all__ = ["Profiles"]

log = logging.getLogger(__name__)


class Profiles:
    """Of one server: loads each model for the batches that its profile allows. Blocks for seconds; on any thread."""

    def __init__(self, config: Config, *, shown: Shown | None = None, calibrate: Calibrate = calibrate) -> None:
        """Read the profile that the settings name.

        Args:
            config: settings of the server.
            shown: shows how far a calibration is; None: in the log.
            calibrate: who measures.

        Raises:
            UsageError: it cannot be read, or is given for several models.
        """
        self._config = config
        self._device = parse_device(config.device)
        self._shown = shown or logged
        self._calibrate = calibrate
        self._given: Profile | None = None
        self._store: ProfileStore | None = None
        self._skipped: set[Path] = set()
        if config.profile not in {"auto", "off"}:
            if config.models is not None:
                raise UsageError(
                    f"--profile {config.profile} is of one model, and --models serves several; "
                    "use --profile auto, which finds the profile of each"
                )
            self._given = read_profile(Path(config.profile))
        elif config.profile == "auto" and self._device.kind != "sim":
            try:
                self._store = ProfileStore(on_skip=self._skip)
            except UsageError as error:
                log.warning(
                    "no profile is looked for, and batches are measured briefly: %s",
                    error,
                    extra=event("profiles.not_kept", reason=error),
                )

    def __repr__(self) -> str:
        return f"Profiles({self._config.profile}, {self._store!r})"

    def settings_for(self, path: Path) -> Config:
        """With which settings a model will most likely be loaded."""
        return adopted(self._config, self._candidate(path))

    def open(self, path: Path, name: str, *, may_calibrate: bool) -> tuple[Detector, Basis]:
        """Load a model, and find or measure what its batches cost.

        Args:
            path: of the ONNX file.
            name: what to call it.
            may_calibrate: whether the device is free, and nobody waits for it, for 20 s.

        Raises:
            ModelError: the model cannot be served.
            UsageError: a setting does not fit, or the given profile is not of this model on this device.
            DeviceError: the device cannot be used, or its memory does not suffice.
        """
        profile = self._candidate(path)
        if profile is not None:
            tried = within(adopted(self._config, profile), profile)
            detector = open_detector(path, name, tried)
            profile = self._matching(detector, tried, path)
            if profile is not None and adopted(self._config, profile) == tried:
                return detector, self._basis(detector, profile, path)
            detector.close()
        if profile is None and self._store is not None:
            profile = self._measured(self._store, path, name, may_calibrate=may_calibrate)
            self._refuse_beyond(profile, path)
        detector = open_detector(path, name, adopted(self._config, profile))
        return detector, self._basis(detector, profile, path)

    def _skip(self, path: Path, why: str) -> None:
        """Say once of a stored file that it cannot be used."""
        if path not in self._skipped:
            self._skipped.add(path)
            log.warning("%s; it is passed over", why, extra=event("profile.skipped", path=path, reason=why))

    # Finding ---------------------------------------------------------------------------------------------------

    def _candidate(self, path: Path) -> Profile | None:
        """The given profile, or the newest of this file; whether it is of this device is seen once the file is loaded."""
        if self._given is not None or self._store is None:
            return self._given
        try:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return None  # told when it is loaded
        return next((kept.profile for kept in self._store.history() if self._likely(kept.profile, sha256)), None)

    def _likely(self, profile: Profile, sha256: str) -> bool:
        """Whether a profile is of this file, and nothing in the settings speaks against it."""
        of, threads = profile.fingerprint, self._config.threads
        kind = "cpu" if "threads" in of.options else "cuda"
        return (
            profile.run.complete
            and of.model_sha256 == sha256
            and self._device.kind in {"auto", kind}
            and (kind == "cuda" or threads is None or of.options["threads"] == str(threads))
        )

    def _matching(self, detector: Detector, tried: Config, path: Path) -> Profile | None:
        """The profile of this model on this device, of those that there are; closes the detector when it raises.

        Args:
            detector: loaded.
            tried: with which settings.
            path: of its file.

        Raises:
            UsageError: one is given, and it is not that, or does not allow the batch that was asked for.
        """
        try:
            found = fingerprint_of(detector, self._device, engine_options(tried))
            profile = self._given
            if profile is not None:
                self._refuse_other(profile, found, path)
            elif self._store is not None:
                profile = self._store.find(found)
            self._refuse_beyond(profile, path)
        except BaseException:
            detector.close()
            raise
        return profile

    def _refuse_other(self, given: Profile, found: Fingerprint, path: Path) -> None:
        """Raise UsageError unless the given profile holds for what is found."""
        other = mismatch(differences(found, given.fingerprint))
        if other:
            raise UsageError(
                f"--profile {self._config.profile} is not of this model on this device: {other}: "
                f"{calibrate_command(self._config, path)} --out {self._config.profile}. Or use --profile auto"
            )

    def _refuse_beyond(self, profile: Profile | None, path: Path) -> None:
        """Raise UsageError where the batch that was asked for failed, or was not measured by the given profile."""
        if profile is None:
            return
        why_not = beyond(profile, self._config.max_batch, command=calibrate_command(self._config, path))
        if why_not and profile is self._given:
            raise UsageError(why_not)

    # Measuring -------------------------------------------------------------------------------------------------

    def _measured(self, store: ProfileStore, path: Path, name: str, *, may_calibrate: bool) -> Profile | None:
        """A quick calibration, if that can be; the log says what is done."""
        command = calibrate_command(self._config, path)
        if may_calibrate:
            return quick_profile(
                path,
                name,
                self._config,
                store=store,
                shown=self._shown,
                command=command,
                calibrate=self._calibrate,
            )
        log.warning(
            "%s: no profile of it on this device, and others are served, so it is measured briefly. To calibrate: %s",
            name,
            command,
            extra=event("profile.missing", model=name, command=command),
        )
        return None

    def _basis(self, detector: Detector, profile: Profile | None, path: Path) -> Basis:
        """What scheduling starts from; closes the detector when it raises."""
        try:
            basis = None if profile is None else self._of(profile, detector, path)
            basis = dataclasses.replace(basis or self._briefly(detector), command=calibrate_command(self._config, path))
        except BaseException:
            detector.close()
            raise
        more = f" (to measure fully: {basis.command})" if basis.source in {"quick", "brief"} else ""
        log.info(
            "%s: %s%s",
            detector.spec.name,
            basis.sentence,
            more,
            extra=event(
                "profile.adopted",
                model=detector.spec.name,
                source=basis.source,
                max_batch=basis.table.max_batch,
                command=basis.command,
            ),
        )
        return basis

    def _of(self, profile: Profile, detector: Detector, path: Path) -> Basis | None:
        """What the profile says of the batches that the detector was proven to run; None where it does not reach."""
        asked, name = self._config.max_batch, detector.spec.name
        warning = beyond(profile, asked, command=calibrate_command(self._config, path)) or above_choice(profile, asked)
        if warning:
            log.warning("%s: %s", name, warning, extra=event("profile.exceeded", model=name, reason=warning))
        wanted = adopted(self._config, profile).max_batch
        if detector.buckets[-1] < wanted:
            log.warning(
                "%s: batches of up to %d are run and not %d, as found out at load",
                name,
                detector.buckets[-1],
                wanted,
                extra=event("profile.cut", model=name, max_batch=detector.buckets[-1], wanted=wanted),
            )
        basis = cut(profile, detector.buckets)
        if basis is not None:
            warm_up(detector, budget_ns=0)
        return basis

    def _briefly(self, detector: Detector) -> Basis:
        """Known where the device is simulated, else measured by a few runs of each size."""
        if self._device.kind == "sim":
            table = LatencyTable.linear(
                alpha_ns=self._device.alpha_ns, beta_ns=self._device.beta_ns, buckets=detector.buckets
            )
            return Basis(table=table, source="simulated")
        table = LatencyTable.from_samples(warm_up(detector))
        log.info(
            "%s: measured: %s",
            detector.spec.name,
            ", ".join(f"{b}: {ns_to_ms(t):.1f} ms" for b, t in zip(table.buckets, table.service_ns, strict=True)),
            extra=event(
                "profile.measured",
                model=detector.spec.name,
                batches=table.buckets,
                seconds=[ns_to_seconds(each) for each in table.service_ns],
            ),
        )
        return Basis(table=table, source="brief")


def within(config: Config, profile: Profile) -> Config:
    """The settings, with no larger batch than the profile's largest: what goes beyond may not run at all."""
    return config.model_copy(update={"max_batch": min(config.max_batch, profile.buckets[-1].batch)})
