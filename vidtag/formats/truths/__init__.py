"""What persons said of videos, read from the files of annotators: beside the writers of those.

`truth` has the values, `reading` finds out which layout a path has, `gathering` collects what the
modules for one layout each find, and counts what it leaves out; `split` divides it. What vidtag
writes of a kind, it reads back.
"""
