"""What is said about the actions: phrases to train with, and sentences that are only asked.

A star stands before each verb that can be inflected: "*bend both knees" gives "bending both
knees" and "bends both knees". A phrase without one is a name. Of each action the first phrase is
its label, and the first five are the ones that the evaluation asks.

Words that are common in the language are spread over many actions on purpose: a word that occurs
with few of them would pull every sentence that holds it towards these.
"""

from dataclasses import dataclass

from figures.actions import LABELS


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """All that is said about one action."""

    phrases: tuple[str, ...]
    details: tuple[str, ...]
    """What can be added to any of the phrases."""
    held_out: tuple[str, ...] = ()
    """Sentences that no caption repeats, made of words that captions hold."""


WORDINGS = {
    "squat": Wording(
        phrases=(
            "squat",
            "*do squats",
            "*bend both knees and *stand up again",
            "*go down into a squat",
            "*sink down on bent legs and *rise",
            "*squat",
            "*sit down low without a chair",
            "*lower the hips and *raise them again",
        ),
        details=("with both feet on the floor", "up and down", "with the arms forward", "slowly"),
        held_out=(
            "going down on bent knees and rising again",
            "bending the legs into a squat",
            "somebody sinks down on both legs and stands up",
        ),
    ),
    "lunge": Wording(
        phrases=(
            "lunge",
            "*do lunges",
            "*step forward and *sink down on one knee",
            "*take a long step with one leg",
            "*bend one knee after a step forward",
            "*lunge",
            "*take a step and *lower one knee to the floor",
            "*put one foot forward and *bend both knees",
        ),
        details=("with one foot forward", "up and down", "with straight arms", "on one leg"),
        held_out=(
            "doing a lunge with one leg forward",
            "taking a step and sinking on one knee",
            "somebody takes a step forward and bends one leg",
        ),
    ),
    "push up": Wording(
        phrases=(
            "push up",
            "*do push ups",
            "*push up from the floor with the arms",
            "*do press ups",
            "*lower and *raise a straight body on the arms",
            "*push the chest up from the floor",
            "*do a push up on both hands",
            "*bend the arms with a straight body near the floor",
        ),
        details=("on the floor", "up and down", "with both hands on the floor"),
        held_out=(
            "pushing the straight body up on both arms",
            "doing a push up on the floor again and again",
            "somebody lowers and raises the body with the arms",
        ),
    ),
    "situp": Wording(
        phrases=(
            "situp",
            "*do sit ups",
            "*sit up on the floor from the back",
            "*do crunches",
            "*raise the chest to the knees on the floor",
            "*do a crunch",
            "*lie on the back and *raise the head and the chest",
            "*lift the body from the floor with bent knees",
        ),
        details=("on the floor", "up and down", "with both hands at the head", "slowly"),
        held_out=(
            "lying on the back and sitting up again",
            "doing a crunch on the floor with bent knees",
            "somebody raises the chest from lying on the floor",
        ),
    ),
    "pull ups": Wording(
        phrases=(
            "pull ups",
            "*do pull ups",
            "*pull the body up to a bar",
            "*hang from a bar and *pull up",
            "*do chin ups",
            "*raise the chin to a high bar",
            "*hang on a bar with both arms",
            "*lift the body to a bar above the head",
        ),
        details=("up and down", "with both hands", "with bent legs", "in the air"),
        held_out=(
            "hanging and raising the body to a high bar",
            "doing chin ups on a bar",
            "somebody pulls up with the chin to the bar",
        ),
    ),
    "cartwheeling": Wording(
        phrases=(
            "cartwheeling",
            "*do cartwheels",
            "*turn sideways over the hands",
            "*turn over like a wheel with stretched legs",
            "*wheel over the hands",
            "*do a cartwheel",
            "*turn upside down on both hands and back on the feet",
            "*throw the legs over the head sideways",
        ),
        details=("with stretched arms", "over the floor", "again and again", "to the side"),
        held_out=(
            "wheeling sideways with stretched arms and legs",
            "doing a cartwheel over the hands",
            "somebody turns like a wheel",
        ),
    ),
    "somersaulting": Wording(
        phrases=(
            "somersaulting",
            "*do somersaults",
            "*roll over the head and the back",
            "*roll forward on the floor in a ball shape",
            "*do a forward roll",
            "*do a somersault",
            "*turn over forward with bent legs",
            "*roll like a ball over the back",
        ),
        details=("on the floor", "again and again", "with bent knees", "over both hands"),
        held_out=(
            "doing a roll over the back",
            "rolling the body over the head on the floor",
            "somebody does a forward somersault",
        ),
    ),
    "skipping rope": Wording(
        phrases=(
            "skipping rope",
            "*skip a rope",
            "*jump rope",
            "*hop over a turning rope",
            "*jump over a rope again and again",
            "*skip",
            "*swing a rope under both feet",
            "*hop up and down with a rope in both hands",
        ),
        details=("with both feet", "up and down", "with both hands", "in place", "quickly"),
        held_out=(
            "hopping with a rope",
            "somebody hops over a rope again and again",
            "skipping over the turning rope",
        ),
    ),
    "doing aerobics": Wording(
        phrases=(
            "doing aerobics",
            "*do jumping jacks",
            "*jump with arms and legs apart",
            "*do star jumps",
            "*spread arms and legs in a jump",
            "*do aerobics",
            "*jump like a star",
            "*raise both arms above the head in a jump",
        ),
        details=("up and down", "in place", "on both feet", "to the music"),
        held_out=(
            "jumping and spreading the arms and the legs apart",
            "doing jacks like a star",
            "somebody does aerobics with star jumps",
        ),
    ),
    "jogging": Wording(
        phrases=(
            "jogging",
            "*run",
            "*go for a run",
            "*run in place",
            "*run along with bent arms",
            "*jog",
            "*go for a jog",
            "*run with the feet high behind the back",
        ),
        details=("with bent arms", "on both feet", "over the floor", "forward", "slowly"),
        held_out=(
            "jogging along in place",
            "somebody is jogging along",
            "somebody jogs in place on one foot after the other",
        ),
    ),
    "marching": Wording(
        phrases=(
            "marching",
            "*walk with high knees",
            "*march in place",
            "*step with raised knees like a soldier",
            "*walk like a soldier",
            "*march",
            "*raise one knee after the other",
            "*lift the knees high and *swing the arms",
        ),
        details=("with straight arms", "on the floor", "with both arms", "forward", "to a beat"),
        held_out=(
            "marching like a soldier with high knees",
            "somebody is walking in place with raised knees",
            "stepping in place like a soldier",
        ),
    ),
    "high kick": Wording(
        phrases=(
            "high kick",
            "*do high kicks",
            "*kick high",
            "*swing a straight leg up to the head",
            "*kick up to head height",
            "*raise a straight leg high into the air",
            "*throw one leg up forward",
            "*do a kick above the hips",
        ),
        details=("with one leg", "into the air", "with stretched arms", "with one foot"),
        held_out=(
            "kicking a leg high into the air",
            "doing a kick up to the head",
            "somebody swings one leg up to head height",
        ),
    ),
    "side kick": Wording(
        phrases=(
            "side kick",
            "*do side kicks",
            "*kick to the side",
            "*thrust a foot out to the side",
            "*draw up a knee and *kick sideways",
            "a karate kick to the side",
            "*kick sideways like a karate fighter",
            "*push one foot out sideways",
        ),
        details=("with one foot", "with bent arms", "in the air", "with both fists up"),
        held_out=(
            "kicking sideways with one foot",
            "doing a karate kick sideways",
            "somebody draws up a knee and thrusts the foot to the side",
        ),
    ),
    "clapping": Wording(
        phrases=(
            "clapping",
            "*clap the hands",
            "*applaud",
            "*strike the hands together",
            "*bring both palms together again and again",
            "*clap",
            "*clap with both hands",
            "*strike one palm with the other hand",
        ),
        details=("in front of the chest", "to the music", "with bent arms", "quickly"),
        held_out=(
            "clapping both palms together",
            "somebody is applauding with both hands",
            "striking the palms together again and again",
        ),
    ),
    "exercising arm": Wording(
        phrases=(
            "exercising arm",
            "*circle the arms",
            "*exercise the arms",
            "*make arm circles",
            "*turn stretched arms in circles at shoulder height",
            "*swing stretched arms around",
            "*make circles with both hands beside the shoulders",
            "*turn both arms around and around",
        ),
        details=("with straight arms", "to the side", "again and again", "with both feet in place"),
        held_out=(
            "making circles with stretched arms",
            "exercising both arms at shoulder height",
            "somebody turns the arms around in circles",
        ),
    ),
    "pumping fist": Wording(
        phrases=(
            "pumping fist",
            "*pump a fist",
            "*thrust a fist into the air",
            "*raise a fist again and again",
            "*cheer with a fist",
            "*punch the air above the head",
            "*cheer with one arm",
            "*push one hand up into the air",
        ),
        details=("with one arm", "up and down", "to the music", "with one hand", "quickly"),
        held_out=(
            "cheering with a raised fist",
            "pumping the fist up above the head",
            "somebody raises one fist into the air",
        ),
    ),
    "tai chi": Wording(
        phrases=(
            "tai chi",
            "*do tai chi",
            "*practise tai chi",
            "*move both hands in slow large curves",
            "*move slowly with soft knees",
            "slow martial arts",
            "*practise slow martial arts",
            "*draw slow circles with the hands",
        ),
        details=("with both arms", "with bent knees", "with both hands", "in slow curves"),
        held_out=(
            "practising slow curves with both hands",
            "moving the hands slowly in tai chi",
            "somebody moves slowly like in tai chi",
        ),
    ),
    "headbanging": Wording(
        phrases=(
            "headbanging",
            "*bang the head to the music",
            "*throw the head forward and back",
            "*nod the head wildly",
            "*shake the head to a beat",
            "*headbang",
            "*swing the head up and down wildly",
            "*dance wildly with the head",
        ),
        details=("to the music", "up and down", "with the hair in the air", "on both feet"),
        held_out=(
            "nodding to the beat of the music",
            "throwing the head back and forward to the beat",
            "somebody is shaking the head wildly to music",
        ),
    ),
    "hula hooping": Wording(
        phrases=(
            "hula hooping",
            "*spin a hoop around the hips",
            "*play with a hula hoop",
            "*circle the hips in a hoop",
            "*swing a hoop around the waist",
            "*use a hula hoop",
            "*turn the waist in a hoop",
            "*move the hips around and around",
        ),
        details=("with both feet on the floor", "in circles", "with the arms to the side"),
        held_out=(
            "playing with a hoop around the hips",
            "spinning a hula hoop",
            "somebody swings the hips in a hula hoop",
        ),
    ),
    "dribbling basketball": Wording(
        phrases=(
            "dribbling basketball",
            "*dribble a basketball",
            "*bounce a ball",
            "*play basketball",
            "*bounce a basketball with one hand",
            "*dribble",
            "*strike a ball down to the floor",
            "*push a ball to the floor again and again",
        ),
        details=("with one hand", "on the floor", "up and down", "beside the feet", "with one arm"),
        held_out=(
            "dribbling a ball with one hand",
            "playing with a bouncing ball",
            "somebody is bouncing a ball on the floor",
        ),
    ),
    "deadlifting": Wording(
        phrases=(
            "deadlifting",
            "*lift a barbell",
            "*lift a heavy weight from the floor",
            "*do deadlifts",
            "*pick up a barbell and *put it down",
            "*deadlift",
            "*do a heavy lift",
            "*bend down to a bar on the floor and *lift it",
            "*pull a heavy bar up to the hips",
        ),
        details=("with straight arms", "from the floor", "with both hands", "slowly"),
        held_out=(
            "picking up a heavy barbell from the floor",
            "doing a lift with a heavy weight",
            "somebody is lifting a weight and putting it down",
        ),
    ),
    "punching bag": Wording(
        phrases=(
            "punching bag",
            "*punch a bag",
            "*box",
            "*hit a punching bag",
            "*hit a hanging bag with the fists",
            "*do boxing training",
            "*box against a bag",
            "*strike a heavy bag with both hands",
        ),
        details=("with both fists", "with one fist after the other", "again and again", "quickly"),
        held_out=(
            "hitting the bag with both fists",
            "somebody boxes with a punching bag",
            "boxing against a hanging bag in training",
        ),
    ),
}

assert tuple(WORDINGS) == LABELS
