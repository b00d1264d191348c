"""`make demo`: the commands that ops and a data scientist would type, one after the other, on the local AWS."""
