"""What every command needs of files: paths, structures, samples, locks, progress, workers."""
