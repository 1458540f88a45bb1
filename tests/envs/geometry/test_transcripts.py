"""Transcripts and work of the geometry questions: values by hand, and what determines the answer."""

import numpy as np
import pytest

from envs.geometry.compose import ask
from envs.geometry.env import GeometryEnv
from envs.geometry.families.table import FAMILIES
from envs.task.config import load_task
from envs.task.transcript import accuracy
from tests.envs.geometry.test_env import asked, value

BY_HAND = [
    # family, seed, transcript, work; seed s has difficulty s % 11 / 10
    ("triangle_angles", 0, "70 80", "180-70-80=30"),
    ("exterior_angle", 0, "70+30 x", "70+30=100"),
    ("exterior_angle", 7, "50+x 98", "98-50=48"),  # the outer angle is 98
    ("isosceles", 0, "x x 90", "(180-90)/2=45"),
    ("isosceles", 3, "70 70 x", "180-70-70=40"),
    ("parallel_lines", 0, "110 x", "110"),
    ("parallel_lines", 2, "70+x", "180-70=110"),
    ("parallel_equation", 0, "3x+41+2x+74", "(180-115)/(3+2)=13"),
    ("zigzag", 0, "60+30 x", "60+30=90"),
    ("zigzag", 7, "42+x 81", "81-42=39"),
    ("polygon_angle", 0, "6", "180-360/6=120"),
    ("quadrilateral_angles", 4, "85 120 80", "360-85-120-80=75"),
    ("straight_line", 0, "90+x", "180-90=90"),
    ("straight_line", 3, "65+70+x", "180-65-70=45"),
    ("bisected_angle", 0, "40 40", "180-40-40=100"),
    ("altitude_angle", 0, "70", "360-90-90-70=110"),
    ("rhombus_angle", 0, "50", "180-2*50=80"),
    ("inscribed_angle", 0, "x 50", "2*50=100"),  # the central angle comes first
    ("inscribed_angle", 1, "100 x", "100/2=50"),
    ("cyclic_quadrilateral", 0, "80", "180-80=100"),
    ("two_tangents", 0, "50", "180-50=130"),
    ("semicircle_angle", 0, "50", "90-50=40"),
    ("tangent_chord", 0, "60", "60"),
    ("tangent_chord", 5, "39 60", "180-39-60=81"),
    ("pythagoras", 0, "6 8 x", "√(6²+8²)=√100=10"),
    ("pythagoras", 11, "12 x 15", "√(15²-12²)=√81=9"),
    ("similar_triangles", 0, "7 4 7", "7*4/7=4"),
    ("similar_triangles", 3, "4 4", "6*4/4=6"),  # the text says AE = 6
    ("crossed_triangles", 8, "12 11", "11*12/11=12"),  # the text says AE = 11
    ("midsegment", 0, "8 x", "2*8=16"),
    ("midsegment", 2, "x 24", "24/2=12"),
    ("trapezium_middle", 0, "3 x 5", "(3+5)/2=4"),
    ("trapezium_middle", 8, "13 16 x", "2*16-13=19"),
    ("median", 0, "5 x", "2*5=10"),
    ("two_altitudes", 0, "7 5 7", "7*5/7=5"),
    ("angle_bisector", 0, "4 6 2", "2*6/4=3"),
    ("rhombus_side", 0, "12 9", "√(12²+9²)=√225=15"),
    ("special_right", 0, "5 x .", r"5*√3=5\sqrt{3}"),  # short and long leg, hypotenuse
    ("special_right", 11, "5 . x", "2*5=10"),
    ("square_diagonal", 0, "4 x", r"4*√2=4\sqrt{2}"),
    ("regular_perimeter", 0, "5 9", "5*9=45"),
    ("steps_perimeter", 0, "7 5", "2*(7+5)=24"),
    ("square_side", 0, "49", "√49=7"),
    ("rectangle_side", 0, "30 6", "30/6=5"),
    ("tangent_length", 1, "12 x 20", "√(20²-12²)=√256=16"),
    ("crossing_chords", 0, "5 6 5", "5*6/5=6"),
    ("tangent_secant", 0, "4 5", "√(4*(4+5))=√36=6"),
    ("chord_distance", 0, "15 9", "2*√(15²-9²)=2*√144=24"),
    ("incircle", 0, "12 9 15", "(12+9-15)/2=3"),
    ("tangent_triangle", 0, "4 6 5", "2*(4+6+5)=30"),
    ("arc_length", 0, "6 120", r"2π*6*120/360=4\pi"),
    ("altitude_parts", 0, "8 2", "√(8*2)=√16=4"),
    ("triangle_area", 0, "6 4", "6*4/2=12"),
    ("parallelogram_area", 0, "6 4", "6*4=24"),
    ("trapezium_area", 0, "8 3 4", "(8+3)*4/2=22"),
    ("kite_area", 0, "7 4 12", "7*(4+12)=112"),
    ("steps_area", 0, "7 5 4 . . 3", "4*5+3*3=29"),  # AB, FA, EF, CD, DE, BC
    ("steps_area", 10, "24 28 . 8 10 .", "24*28-8*10=592"),
    ("frame_area", 0, "10 7 4 3", "10*7-4*3=58"),
    ("cut_triangle", 0, "6 6 4 3", "6*6-4*3/2=30"),
    ("overlap_area", 0, "7 4", "7*4/2=14"),
    ("sector_area", 0, "6 120", r"π*6²*120/360=12\pi"),
    ("ring_area", 0, "7 11", r"π*(11²-7²)=72\pi"),
    ("circle_in_square", 0, "7", r"π*(7/2)²=\frac{49\pi}{4}"),
    ("square_in_circle", 0, "7", "2*7²=98"),
    ("equilateral_area", 0, "7", r"√3*7²/4=\frac{49\sqrt{3}}{4}"),
    ("lattice_area", 0, "3 4", "3+4/2-1=4"),  # points inside and on the edge of (1, 2), (4, 1), (3, 4)
    ("lattice_distance", 0, "3 4", "√(3²+4²)=√25=5"),
    ("lattice_slope", 3, "-4 2", "-4/2=-2"),  # rise and run
]


@pytest.mark.parametrize(("family", "seed", "transcript", "work"), BY_HAND)
def test_transcripts_by_hand(family: str, seed: int, transcript: str, work: str) -> None:
    question = asked(family, seed).question
    assert (question.seen, question.work) == (transcript, work)


def test_every_family_is_checked_by_hand() -> None:
    assert {family for family, *_ in BY_HAND} == set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_question_and_transcript_determine_the_answer(family: str) -> None:
    answers: dict[tuple[str, str], str] = {}
    for seed in range(210):
        question = asked(family, seed).question
        answer = str(question.answer)
        assert answers.setdefault((question.text, question.seen), answer) == answer, question.seen
        assert question.seen and not {"=", ":"} & set(question.seen)
        assert accuracy(f"{question.seen}:{question.work}", question.seen) == 1.0
        assert value(question.work.rsplit("=", 1)[-1]) == pytest.approx(value(answer))


def test_transcript_determines_the_answer_across_the_families_of_the_tiny_task() -> None:
    settings = load_task("tiny_geometry")
    weights = dict.fromkeys(settings.kwargs["families"], 1.0)
    answers: dict[tuple[str, str], str] = {}
    for seed in range(1000):
        question = ask(np.random.default_rng(seed), weights, 1, 0.0, large=False).question
        answer = str(question.answer)
        assert answers.setdefault((question.text, question.seen), answer) == answer, question.seen


def test_chains_state_each_figure() -> None:
    question = ask(np.random.default_rng(1), dict.fromkeys(FAMILIES, 1.0), 2, 0.5, large=True).question
    assert question.seen == "9 12 / a x 27"  # rhombus with diagonals of 18 and 24, trapezium with a and 27
    assert question.work == "a=√(9²+12²)=√225=15;x=(15+27)/2=21"


@pytest.mark.parametrize("depth", [2, 3])
def test_transcripts_of_chains_determine_the_answer(depth: int) -> None:
    answers: dict[tuple[str, str, str], str] = {}
    weights = dict.fromkeys(("triangle_angles", "isosceles", "exterior_angle", "straight_line"), 1.0)
    for seed in range(120):
        question, _, names = ask(np.random.default_rng(seed), weights, depth, 0.0, large=True)
        key = question.text, question.seen, "+".join(names)
        assert answers.setdefault(key, str(question.answer)) == str(question.answer)
        assert question.seen.count(" / ") == depth - 1
        assert question.work.endswith(f"={question.answer}")


def test_the_expert_writes_all_forms() -> None:
    env = GeometryEnv(["triangle_angles"], image_size=(84, 84))
    env.reset(seed=2)
    transcript = env.expert_thought("transcript")
    assert env.expert_thought("work") == f"{transcript}:{env.question.work}"
    assert env.expert_thought("word") == "triangle_angles"
    assert env.expert_thought() == env.question.thought != env.question.work
