"""A language model on this machine: which files are known, how they come here, how one is served.

Plain Python without Django, so that the server's process stays small.
"""
