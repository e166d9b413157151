"""`framebatch plan`: which option means what, and the order of things. Nothing is simulated or printed here."""

from __future__ import annotations

from framebatch.cli.common import JsonOption  # noqa: TC001 - typer reads the types at run time
from framebatch.cli.plan import options  # noqa: TC001 - as above
from framebatch.errors import UsageError

__all__ = ["plan"]


def plan(
    *,
    profile: options.ProfileOption = None,
    fps: options.FpsOption = None,
    deadline_ms: options.DeadlineOption = None,
    cameras: options.CamerasOption = None,
    trigger: options.TriggerOption = "free",
    mode: options.ModeOption = "inspect",
    seed: options.SeedOption = 0,
    network_ms: options.NetworkOption = None,
    decoders: options.DecodersOption = None,
    decode_ms: options.DecodeOption = None,
    max_batch: options.MaxBatchOption = None,
    compare: options.CompareOption = None,
    table: options.TableOption = False,
    deadlines_ms: options.DeadlinesOption = None,
    fps_list: options.FpsListOption = None,
    picture: options.PictureOption = None,
    replay: options.ReplayOption = None,
    model: options.ReplayedModelOption = None,
    json: JsonOption = False,
) -> None:
    """Say how many cameras a device will carry with at most 1 % of their frames missed, by simulating the server on it.

    Nothing but the profile is needed: not the device, not the model, no camera.
    """
    from framebatch.cli.calibrate.paths import check_target  # noqa: PLC0415 - see framebatch.cli
    from framebatch.cli.common import print_json  # noqa: PLC0415 - as above
    from framebatch.cli.plan.asking import Asked, wanted_of  # noqa: PLC0415 - as above
    from framebatch.cli.plan.document import document  # noqa: PLC0415 - as above
    from framebatch.cli.plan.progress import PlanProgress  # noqa: PLC0415 - as above
    from framebatch.cli.plan.view import print_plan  # noqa: PLC0415 - as above
    from framebatch.cli.profile.finding import stdout  # noqa: PLC0415 - as above
    from framebatch.planning.plan import make_plan  # noqa: PLC0415 - as above

    if replay is not None:
        from framebatch.cli.plan.replay import replay_command  # noqa: PLC0415 - as above

        others = (profile, fps, deadline_ms, cameras, picture, network_ms, decoders, decode_ms, max_batch, compare)
        if table or any(each is not None for each in (*others, deadlines_ms, fps_list)):
            raise UsageError(
                "--replay takes device and frames from the recording; give nothing else but --model and --json"
            )
        replay_command(replay, json=json, model=model or "")
        return
    if model is not None:
        raise UsageError("--model goes with --replay: a plan needs no model; leave it out")
    wanted = wanted_of(
        Asked(
            profile=profile,
            fps=fps,
            deadline_ms=deadline_ms,
            cameras=cameras,
            trigger=trigger,
            mode=mode,
            seed=seed,
            network_ms=network_ms,
            decoders=decoders,
            decode_ms=decode_ms,
            max_batch=max_batch,
            compare=tuple(compare or ()),
            table=table,
            deadlines_ms=deadlines_ms,
            fps_list=fps_list,
            picture=picture,
        )
    )
    if picture is not None:
        check_target("--picture", picture)
    with PlanProgress() as progress:
        made = make_plan(wanted, progress)
    if picture is not None:
        from framebatch.planning.picture import write_picture  # noqa: PLC0415 - matplotlib is not needed otherwise

        write_picture(made, picture)
    if json:
        print_json(document(made))
    else:
        print_plan(stdout(), made, picture)
