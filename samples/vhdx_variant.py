"""How variants are declared: a function that bends an image, its expectation, and a reason."""

from vhdx_image import Image

OPENS, READS, REFUSED = "opens", "reads", "refused"


class Variant:
    """One file: its name, what a careful program does with it, and why."""

    def __init__(self, change, expectation, geometry):
        self.name = change.__name__.replace("_", "-")
        self.expectation = expectation
        self.why = " ".join(change.__doc__.split())
        self._change, self._geometry = change, geometry

    def image(self):
        image = Image(**self._geometry)
        self._change(image)
        return image


def declare(variants, expectation, **geometry):
    """A decorator: the function becomes a variant, named after it, its docstring the reason."""
    def add(change):
        variants.append(Variant(change, expectation, geometry))
        return change
    return add
