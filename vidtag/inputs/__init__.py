"""What the user named → a list of videos: files, folders, globs, lists, URLs, stdin."""
