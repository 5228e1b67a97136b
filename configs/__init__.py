"""Configuration, errors and files: what every other package stands on."""

import os

# To colour its messages numba makes colorama exchange sys.stdout and sys.stderr of the whole process while it
# compiles, in whichever thread that is; what was redirected meanwhile, such as the output of a command that
# prints JSON, is put back where it went before. Everything here is imported before numba.
os.environ.setdefault("NUMBA_DISABLE_ERROR_MESSAGE_HIGHLIGHTING", "1")
