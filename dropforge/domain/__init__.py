"""What a project, image, dataset version and run are. Pure: no AWS, no clock, no environment, no randomness."""
