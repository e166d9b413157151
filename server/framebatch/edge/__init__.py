"""What faces the network: gRPC, HTTP, the conversion between the wire and our values. Decides nothing."""
