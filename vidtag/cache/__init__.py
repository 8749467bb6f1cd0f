"""What vidtag keeps in the user's cache folder, and how it knows that it still holds."""
