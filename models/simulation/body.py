"""The performer's surface: clothes, skin, hair and shoes, built once at rest and bent with the bones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.simulation.anatomy import BONE, BONES, Anatomy, about_x, forward_kinematics
from models.simulation.appearance import Look
from models.simulation.surface import Array, Cone, Ellipsoid, HalfSpace, Pose, Shape, mesh

BONES_PER_VERTEX = 3

SHIRT, TROUSERS, SKIN, FACE, HAIR, SHOES = range(6)
"""What a face of the mesh is made of."""


@dataclass(frozen=True)
class Body:
    """A person's surface at rest, ready to be bent.

    V vertices, F triangles, B bones.

    Attributes:
        vertices: (V, 3) float32, mm at rest.
        normals: (V, 3) float32, unit, at rest.
        openness: (V,) float32, how much of the surrounding light reaches the vertex, 0 to 1.
        texture: (V, 3) float32, coordinates that the paint of the material uses, mm.
        bones: (V, 3) uint8, which bones move the vertex.
        weights: (V, 3) float32, how much; each row sums to 1.
        faces: (F, 3) int32, anticlockwise seen from outside.
        material: (F,) uint8, one of the constants of this module.
        rest: Bones at rest.
    """

    vertices: NDArray[np.float32]
    normals: NDArray[np.float32]
    openness: NDArray[np.float32]
    texture: NDArray[np.float32]
    bones: NDArray[np.uint8]
    weights: NDArray[np.float32]
    faces: NDArray[np.int32]
    material: NDArray[np.uint8]
    rest: Pose

    def skinning(self, rotations: Array, origins: Array) -> NDArray[np.float32]:
        """(B, 3, 4) float32 that take a point at rest to where the bone has it, mm."""
        turn = rotations @ self.rest.rotations.transpose(0, 2, 1)
        shift = origins - np.einsum("bij,bj->bi", turn, self.rest.origins)
        return np.concatenate([turn, shift[:, :, None]], axis=2).astype(np.float32)


def rest_pose(anatomy: Anatomy) -> Pose:
    """Arms and legs spread a little, so that surfaces do not touch."""
    local = np.tile(np.eye(3), (len(BONES), 1, 1))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        local[BONE[f"{side}_upper_arm"]] = about_x(sign * 0.75)
        local[BONE[f"{side}_thigh"]] = about_x(sign * 0.12)
        local[BONE[f"{side}_foot"]] = about_x(sign * -0.12)
    return Pose(*forward_kinematics(anatomy.offsets(), np.zeros(3), local))


def build_body(anatomy: Anatomy, look: Look) -> Body:
    """Model a dressed person of these proportions."""
    pose = rest_pose(anatomy)
    shapes = _shapes(anatomy, look)
    whole = [shape for _, shape in shapes]
    parts = []
    first = 0
    for material, shape in shapes:
        vertices, normals, faces = mesh(shape, pose)
        weights = shape.bone_weights(pose, vertices, len(BONES), softness=14.0)
        order = np.argsort(-weights, axis=1)[:, :BONES_PER_VERTEX]
        strongest = np.take_along_axis(weights, order, axis=1)
        strongest /= strongest.sum(axis=1, keepdims=True)
        parts.append(
            (
                vertices,
                normals,
                _openness(whole, pose, vertices, normals),
                _texture(material, pose, vertices, weights),
                order,
                strongest,
                faces + first,
                np.full(len(faces), material),
            )
        )
        first += len(vertices)
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    kinds = (np.float32, np.float32, np.float32, np.float32, np.uint8, np.float32, np.int32, np.uint8)
    arrays = [np.ascontiguousarray(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    return Body(*arrays, rest=pose)  # type: ignore[arg-type]


def _openness(shapes: list[Shape], pose: Pose, vertices: Array, normals: Array) -> Array:
    """Look outwards over a few distances: what is nearer than it would be in the open takes light away."""
    hidden = np.zeros(len(vertices))
    for reach, weight in ((25.0, 0.35), (70.0, 0.35), (160.0, 0.30)):
        outside = vertices + reach * normals
        gap = np.min([shape.distance(pose, outside) for shape in shapes], axis=0)
        hidden += weight * np.clip(1.0 - gap / reach, 0.0, 1.0)
    return np.asarray(1.0 - 0.8 * hidden)


def _texture(material: int, pose: Pose, vertices: Array, weights: Array) -> Array:
    """Coordinates that stay on the cloth or the skin, whatever the bones do."""
    if material in (FACE, HAIR):
        head = BONE["head"]
        return (vertices - pose.origins[head]) @ pose.rotations[head]
    if material == SHOES:
        left = weights[:, BONE["left_foot"]] > 0.5
        result = np.empty_like(vertices)
        for bone, mask, sign in ((BONE["left_foot"], left, 1.0), (BONE["right_foot"], ~left, -1.0)):
            result[mask] = (vertices[mask] - pose.origins[bone]) @ pose.rotations[bone] * [1, sign, 1]
        return result
    result = vertices.copy()
    if material == SHIRT:
        # Stripes run around the trunk and around the sleeves: the third coordinate follows each of them.
        for side in ("left", "right"):
            bone = BONE[f"{side}_upper_arm"]
            sleeve = weights[:, bone]
            along = (vertices - pose.origins[bone]) @ pose.rotations[bone][:, 2]
            result[:, 2] += sleeve * (along + pose.origins[bone][2] - vertices[:, 2])
    return result


def _shapes(anatomy: Anatomy, look: Look) -> list[tuple[int, Shape]]:
    """Every surface of the body, in mm for a height of 1750, scaled to the anatomy."""
    s = anatomy.scale
    w, h = anatomy.shoulder_width, anatomy.hip_width
    g = look.girth

    def cone(
        bone: str,
        a: tuple[float, float, float],
        b: tuple[float, float, float],
        ra: float,
        rb: float,
        flat: tuple[float, float, float] = (1.0, 1.0, 1.0),
    ) -> Cone:
        return Cone(BONE[bone], _scaled(a, s), _scaled(b, s), ra * s, rb * s, flat)

    def ball(bone: str, centre: tuple[float, float, float], radii: tuple[float, float, float]) -> Ellipsoid:
        return Ellipsoid(BONE[bone], _scaled(centre, s), _scaled(radii, s))

    def cut(bone: str, point: tuple[float, float, float], normal: tuple[float, float, float]) -> HalfSpace:
        return HalfSpace(BONE[bone], _scaled(point, s), normal)

    shirt: list[Cone | Ellipsoid] = [
        ball("chest", (4, 0, 105), (98 * g, 142 * w, 150)),
        ball("chest", (22, 52 * w, 135), (74 * g, 72 * w, 70)),
        ball("chest", (22, -52 * w, 135), (74 * g, 72 * w, 70)),
        ball("chest", (-22, 0, 150), (74 * g, 140 * w, 110)),
        ball("abdomen", (4, 0, 60), (88 * g, 122 * w, 150)),
        ball("pelvis", (2, 0, 45), (98 * g, 140 * h, 105)),
        cone("chest", (-12, 0, 262), (-10, 0, 240), 62, 66),
    ]
    trousers: list[Cone | Ellipsoid] = [
        ball("pelvis", (-4, 0, 20), (100 * g, 138 * h, 105)),
        ball("pelvis", (-44, 52, -20), (68 * g, 66 * h, 80)),
        ball("pelvis", (-44, -52, -20), (68 * g, 66 * h, 80)),
    ]
    skin: list[Cone | Ellipsoid] = []
    hands: list[Shape] = []
    shoes: list[Cone | Ellipsoid] = []
    soles: list[HalfSpace] = []
    shirt_cuts = [cut("pelvis", (0, 0, -55), (0, 0, -1))]
    trouser_cuts = []
    for side, y in (("left", 1.0), ("right", -1.0)):
        arm, fore, hand = f"{side}_upper_arm", f"{side}_forearm", f"{side}_hand"
        thigh, shin, foot = f"{side}_thigh", f"{side}_shin", f"{side}_foot"
        shirt += [
            cone("chest", (-14, y * 60, 252), (-8, y * 150 * w, 228), 46, 50),
            cone(arm, (0, 0, -6), (0, 0, -100), 61 * g, 57 * g),
            cone(arm, (0, 0, -100), (0, 0, -215), 57 * g, 55 * g),
        ]
        shirt_cuts.append(cut(arm, (0, 0, -196), (0, 0, -1)))
        skin += [
            cone(arm, (0, 0, -130), (0, 0, -280), 43 * g, 38 * g),
            cone(fore, (0, 0, 4), (2, 0, -75), 39 * g, 41 * g),
            cone(fore, (2, 0, -75), (0, 0, -252), 40 * g, 25),
            cone(hand, (0, 0, 0), (2, 0, -40), 24, 24, (0.75, 1.0, 1.0)),
        ]
        trousers += [
            cone(thigh, (0, y * 2, -20), (4, 0, -220), 84 * g * h, 72 * g),
            cone(thigh, (4, 0, -220), (6, 0, -420), 72 * g, 56 * g),
            cone(shin, (6, 0, 0), (-6, 0, -130), 55 * g, 56 * g),
            cone(shin, (-6, 0, -130), (-2, 0, -400), 56 * g, 49 * g),
        ]
        trouser_cuts.append(cut(shin, (0, 0, -384), (0, 0, -1)))
        palm: list[Cone | Ellipsoid] = [
            cone(hand, (0, 0, 6), (2, 0, -30), 25, 27, (0.75, 1.0, 1.0)),
            cone(hand, (2, 14, -44), (6, 20, -82), 19, 18, (0.7, 1.0, 1.0)),
            cone(hand, (2, -14, -44), (6, -20, -82), 19, 17, (0.7, 1.0, 1.0)),
            cone(hand, (6, y * 0, -45), (8, 0, -85), 20, 18, (0.7, 1.0, 1.0)),
            # the thumb points forward when the arm hangs
            cone(hand, (22, 0, -32), (36, 0, -72), 14, 10),
            cone(hand, (36, 0, -72), (38, 0, -96), 11, 9),
        ]
        # fingers side by side from front (index) to back (little), slightly curled inwards
        palm = [_quarter_turn(solid) if index < 4 else solid for index, solid in enumerate(palm)]
        for offset, length in ((25, 66), (8, 76), (-9, 70), (-25, 54)):
            knuckle = (offset * s, 0.0, -88 * s)
            middle = (offset * s, -y * 8 * s, (-88 - 0.55 * length) * s)
            tip = (offset * s, -y * 22 * s, (-84 - length) * s)
            palm += [
                Cone(BONE[hand], knuckle, middle, 10.5 * s, 9 * s),
                Cone(BONE[hand], middle, tip, 9 * s, 7.5 * s),
            ]
        hands.append(Shape(palm, blend=3.0, cell=7.0))
        shoes += [
            cone(foot, (-22, 0, -54), (60, 0, -56), 36, 42, (1.0, 0.95, 1.0)),
            cone(foot, (60, 0, -58), (140, y * -4, -68), 42, 32, (1.0, 1.08, 1.0)),
            cone(foot, (140, y * -6, -68), (166, y * -10, -70), 30, 25, (1.0, 1.2, 1.0)),
            cone(foot, (-8, 0, -40), (2, 0, 14), 40, 40),
        ]
        soles.append(cut(foot, (0, 0, -90), (0, 0, -1)))

    neck: list[Cone | Ellipsoid] = [
        cone("chest", (-10, 0, 245), (-4, 0, 285), 64, 55),
        cone("neck", (-4, 0, 0), (16, 0, 70), 56, 53),
        cone("head", (-8, 0, -20), (-4, 0, 40), 54, 56),
    ]
    # A man's jaw is wider than a woman's; everything else of the skull hardly differs.
    jaw = 1.0 if look.long_hair else 1.08
    face: list[Cone | Ellipsoid] = [
        *neck,
        ball("head", (-6, 0, 122), (97, 75, 94)),
        ball("head", (34, 0, 78), (62, 60, 88)),
        cone("head", (18, 36 * jaw, 26), (62, 14 * jaw, 2), 28, 22),
        cone("head", (18, -36 * jaw, 26), (62, -14 * jaw, 2), 28, 22),
        ball("head", (72, 0, -2), (20, 22, 17)),
        cone("head", (90, 0, 100), (101, 0, 68), 8, 10),
        ball("head", (100, 0, 62), (14, 16, 10)),
        cone("head", (72, 42, 112), (88, 14, 114), 12, 10),
        cone("head", (72, -42, 112), (88, -14, 114), 12, 10),
        ball("head", (62, 40, 62), (28, 22, 24)),
        ball("head", (62, -40, 62), (28, 22, 24)),
        cone("head", (86, 14, 28), (86, -14, 28), 11, 11),
        ball("head", (-2, 76, 82), (18, 9, 32)),
        ball("head", (-2, -76, 82), (18, 9, 32)),
    ]
    eyes = [ball("head", (102, 32, 96), (16, 16, 10)), ball("head", (102, -32, 96), (16, 16, 10))]
    hair: list[Cone | Ellipsoid] = [ball("head", (-12, 0, 130), (102, 84, 96))]
    hair_cuts = [cut("head", (0, 0, 42), (0.35, 0, -1))]
    if look.long_hair:
        hair += [
            cone("head", (-42, 0, 100), (-46, 0, -30), 86, 66, (0.75, 1.0, 1.0)),
            cone("head", (-12, 60, 90), (-22, 62, -20), 30, 24),
            cone("head", (-12, -60, 90), (-22, -62, -20), 30, 24),
        ]
        hair_cuts = [cut("head", (0, 0, -52), (0, 0, -1))]
    hairless = [ball("head", (98, 0, 62), (84, 72, 96))]
    if not look.long_hair:
        hairless += [ball("head", (10, 86, 62), (30, 26, 42)), ball("head", (10, -86, 62), (30, 26, 42))]
    return [
        (SHIRT, Shape(shirt, blend=14.0, cell=15.0, cuts=shirt_cuts)),
        (TROUSERS, Shape(trousers, blend=12.0, cell=15.0, cuts=trouser_cuts)),
        (SKIN, Shape(skin, blend=7.0, cell=11.0)),
        *[(SKIN, hand_shape) for hand_shape in hands],
        (FACE, Shape(face, blend=6.0, cell=8.0, carvings=eyes, carve_blend=4.0)),
        (HAIR, Shape(hair, blend=9.0, cell=10.0, cuts=hair_cuts, carvings=hairless, carve_blend=5.0)),
        (SHOES, Shape(shoes, blend=8.0, cell=10.0, cuts=soles)),
    ]


def _scaled(values: tuple[float, float, float], factor: float) -> tuple[float, float, float]:
    return values[0] * factor, values[1] * factor, values[2] * factor


def _quarter_turn(solid: Cone | Ellipsoid) -> Cone:
    """The same cone turned about the vertical: palms face the thighs when the arms hang."""
    assert isinstance(solid, Cone)
    (ax, ay, az), (bx, by, bz), (fx, fy, fz) = solid.a, solid.b, solid.flat
    return Cone(solid.bone, (ay, ax, az), (by, bx, bz), solid.ra, solid.rb, (fy, fx, fz))
