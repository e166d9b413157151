"""Who may do what: an access file of names, roles and tokens, and the checks of both ports. Encrypts nothing.

Values and rules (`roles`, `tokens`, `entries`, `caller`, `register`, `sessions`, `attempts`, `exposure`, `editing`) know no socket, clock or log;
`guard` keeps them for a running server, and `grpc_door` and `http_door` ask it for every call. A server without an
access file has none of this in its way.
"""
