-- Images of a set that nobody knows by a name, such as those of volumes: a list.
ALTER TABLE revision ADD COLUMN further_images TEXT NOT NULL DEFAULT '[]';
