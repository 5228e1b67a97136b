"""What travels between processes, and the sockets it takes."""
