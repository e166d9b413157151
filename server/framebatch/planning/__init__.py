"""What a device would carry, found out without it: the server's own policy under a virtual clock.

`simulation` is the host; `fleet` makes frames, `service` and `durations` say how long things take, `figures` sums up what
became of the frames. On top of these, `plan` finds how many cameras a `setting` carries (`capacity`), what binds and what would
carry more (`what_ifs`, `advice`). Nothing here waits, and no camera, picture or network is needed.
"""
