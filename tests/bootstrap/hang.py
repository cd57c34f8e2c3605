"""``python hang.py FOLDER COMMAND``: mount a file system there that never answers, then run the command.

FUSE without a server: every look at it waits, as at a file server that has gone away.
"""

import ctypes
import os
import sys

folder, *command = sys.argv[1:]
device = os.open("/dev/fuse", os.O_RDWR)
os.set_inheritable(device, True)
libc = ctypes.CDLL(None, use_errno=True)
options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
if libc.mount(b"gone", folder.encode(), b"fuse.gone", 0, options):
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), folder)
os.execvp(command[0], command)
