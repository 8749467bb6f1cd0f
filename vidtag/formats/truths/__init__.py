"""What persons said of videos, read from the files of annotators: beside the writers of those.

`truth` has the values, `reading` finds out which layout a path has, the other modules read one
each. What vidtag writes of a kind, it reads back.
"""
