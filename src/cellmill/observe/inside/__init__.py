"""What runs inside kernels: it looks at the author's variables between cells, silently, and binds no name of theirs.

A kernel may have any Python environment, without cellmill: this folder is loaded there from its files (``load``), under
a name of its own, so its modules name each other relatively. Standard library alone; numpy, pandas and the others are
looked at where the author has imported them.

``content`` hashes what a value holds, ``identity`` finds names that share an object, ``states`` looks at what belongs
to no name, ``watch`` tells what changed from look to look; ``describe`` and ``arrays`` describe values so that those of
two processes can be compared.
"""
