"""One function per file format, and the checks that every file passes before it is read."""
