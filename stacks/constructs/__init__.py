"""What the stacks share: each construct is one kind of resource with everything that Dropforge demands of it."""
