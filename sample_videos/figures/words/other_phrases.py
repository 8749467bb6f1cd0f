"""What is said besides the actions' own phrases: of nothing, of several, of whom and where.

Stars mark verbs, as in `phrases`.
"""

from figures.words.phrases import Wording

STANDING_STILL = Wording(
    phrases=(
        "*stand still",
        "*do nothing",
        "*stand around",
        "*wait",
        "*stand on both feet without a movement",
        "*keep both arms and legs still",
    ),
    details=("with both feet on the floor", "with both arms down", "on the floor"),
)
EMPTY_PLACE = Wording(
    phrases=(
        "an empty place",
        "nobody is here",
        "nobody",
        "no person",
        "no one is here",
        "a place without a person",
    ),
    details=(),
)
NOTHING_HAPPENS = (
    "nothing is happening",
    "nothing",
    "no action",
    "nothing moves",
    "a still picture",
)
"""True of a figure that stands still as well as of an empty place."""
NOTHING_PHRASES = (
    "a person standing still",
    "a person doing nothing",
    "an empty place",
    "nobody is here",
    "nothing is happening",
    "nothing",
)
"""What words compete with besides other actions; captions hold every one of them."""

UNSEEN_WORDINGS = {
    "waving": (
        "waving",
        "swinging one raised hand from side to side",
        "moving one hand above the head to the side and back",
    ),
    "bowing": (
        "bowing",
        "bending the body forward and standing up again",
        "lowering the head and the chest forward with straight legs",
    ),
}
"""Of the actions that no clip and no caption of the training shows; asked in the evaluation."""

GROUPS = {
    "*kick": ("high kick", "side kick"),
    "*kick with one leg": ("high kick", "side kick"),
    "*stand on one leg": ("high kick", "side kick"),
    "*jump": ("skipping rope", "doing aerobics"),
    "*jump up and down": ("skipping rope", "doing aerobics"),
    "*lie on the floor": ("push up", "situp"),
    "*exercise on the floor": ("push up", "situp"),
    "*put both hands on the floor": ("push up", "cartwheeling", "somersaulting"),
    "*turn upside down": ("cartwheeling", "somersaulting"),
    "*turn over": ("cartwheeling", "somersaulting"),
    "gymnastics": ("cartwheeling", "somersaulting"),
    "*hold a bar with both hands": ("pull ups", "deadlifting"),
    "*go somewhere on foot": ("jogging", "marching"),
    "*move the legs in place": ("jogging", "marching"),
    "*lift one foot after the other": ("jogging", "marching"),
    "*bend both knees": ("squat", "lunge"),
    "*exercise the legs": ("squat", "lunge"),
    "*lower and *raise the hips": ("squat", "lunge"),
    "martial arts": ("tai chi", "high kick", "side kick", "punching bag"),
    "*make a fist": ("pumping fist", "punching bag"),
    "*use the fists": ("pumping fist", "punching bag"),
    "*play with a toy": ("hula hooping", "skipping rope", "dribbling basketball"),
    "*move a ball or a hoop": ("hula hooping", "dribbling basketball"),
    "*lift something heavy": ("deadlifting",),
    "*dance to music": ("headbanging",),
    "*hold both arms out": ("doing aerobics", "exercising arm", "cartwheeling"),
    "*raise the arms": ("doing aerobics", "exercising arm", "pumping fist"),
    "*move both hands": ("clapping", "tai chi", "exercising arm", "punching bag"),
    "*move the hands in front of the chest": ("clapping", "tai chi"),
    "*raise and *lower the body": ("squat", "push up", "pull ups", "lunge", "situp"),
    "*swing the arms": ("jogging", "marching", "exercising arm"),
    "*hold something in both hands": ("skipping rope", "deadlifting", "pull ups"),
    "*strike with one hand": ("dribbling basketball", "punching bag"),
    "*raise one hand": ("pumping fist",),
    "*bend the back forward": ("deadlifting", "headbanging"),
    "*roll on the floor": ("somersaulting",),
}
"""Phrases that are true of several actions: they teach words rather than names."""

PLACES = {
    "gym": ("in a gym", "at the gym", "in a sports hall"),
    "park": ("in a park", "in the park", "on the grass"),
    "beach": ("on the beach", "at the beach", "by the sea"),
    "studio": ("in a studio", "on a stage"),
    "city": ("in a city", "in the street", "in town"),
    "mountains": ("in the mountains", "near mountains"),
}
"""Places that can be named; clutter can't."""

COLOURS = {
    "red": (0.85, 0.15, 0.15),
    "orange": (0.95, 0.55, 0.15),
    "yellow": (0.9, 0.85, 0.2),
    "green": (0.2, 0.7, 0.25),
    "blue": (0.2, 0.35, 0.85),
    "purple": (0.55, 0.2, 0.7),
    "pink": (0.95, 0.5, 0.7),
    "brown": (0.45, 0.3, 0.15),
    "black": (0.1, 0.1, 0.1),
    "grey": (0.5, 0.5, 0.5),
    "white": (0.95, 0.95, 0.95),
}
"""Typical red, green and blue shares of each name; a colour is called by the nearest."""

SUBJECTS = (
    "a person",
    "somebody",
    "someone",
    "a man",
    "a woman",
    "a figure",
    "a drawn figure",
    "an athlete",
    "a boy",
    "a girl",
    "one person",
)
