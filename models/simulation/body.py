"""The performer's surface: clothes, skin, hair and shoes, built once at rest and bent with the bones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.simulation.anatomy import BONE, BONES, PARENT, Anatomy
from models.simulation.appearance import Look
from models.simulation.kinematics import forward_kinematics, local_rotations
from models.simulation.solids import Array, Cone, Cut, Ellipsoid, Pose, Shape
from models.simulation.surface import mesh

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
        tone: (V,) float32, unevenness of cloth, skin and hair: a factor near 1 on the colour.
        texture: (V, 3) float32, coordinates that the paint of the material uses, mm at a height of 1750.
        bones: (V, 3) uint8, which bones move the vertex.
        weights: (V, 3) float32, how much; each row sums to 1.
        faces: (F, 3) int32, anticlockwise seen from outside.
        material: (F,) uint8, one of the constants of this module.
        rest: Bones at rest.
    """

    vertices: NDArray[np.float32]
    normals: NDArray[np.float32]
    openness: NDArray[np.float32]
    tone: NDArray[np.float32]
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
    angles = np.zeros((len(BONES), 3))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        angles[BONE[f"{side}_upper_arm"], 1] = sign * 0.50
        angles[BONE[f"{side}_thigh"], 1] = sign * 0.12
        angles[BONE[f"{side}_foot"], 1] = sign * -0.12
    return Pose(*forward_kinematics(PARENT, anatomy.offsets(), np.zeros(3), local_rotations(angles)))


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
        strongest[strongest < 0.005] = 0.0  # what bends nobody need not be computed
        strongest /= strongest.sum(axis=1, keepdims=True)
        texture = _texture(material, pose, vertices, weights) / anatomy.scale
        parts.append(
            (
                vertices,
                normals,
                _openness(whole, pose, vertices, normals),
                _tone(material, texture),
                texture,
                order,
                strongest,
                faces + first,
                np.full(len(faces), material),
            )
        )
        first += len(vertices)
    vertices, normals, openness, tone, texture, bones, strengths, faces, materials = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return Body(
        vertices=vertices.astype(np.float32),
        normals=normals.astype(np.float32),
        openness=openness.astype(np.float32),
        tone=tone.astype(np.float32),
        texture=texture.astype(np.float32),
        bones=bones.astype(np.uint8),
        weights=strengths.astype(np.float32),
        faces=faces.astype(np.int32),
        material=materials.astype(np.uint8),
        rest=pose,
    )


def _openness(shapes: list[Shape], pose: Pose, vertices: Array, normals: Array) -> Array:
    """Look outwards over a few distances: what is nearer than it would be in the open takes light away."""
    hidden = np.zeros(len(vertices))
    for reach, weight in ((25.0, 0.35), (70.0, 0.35), (160.0, 0.30)):
        outside = vertices + reach * normals
        gap = np.min([shape.distance(pose, outside) for shape in shapes], axis=0)
        hidden += weight * np.clip(1.0 - gap / reach, 0.0, 1.0)
    return np.asarray(1.0 - 0.8 * hidden)


def _tone(material: int, texture: Array) -> Array:
    """Folds and wear of cloth, blood under the skin, strands of hair; coarser than the mesh."""
    x, y, z = texture.T
    if material == SHIRT:
        return np.asarray(1.0 + 0.06 * np.sin(0.045 * x + 0.06 * z) * np.sin(0.05 * y - 0.035 * z))
    if material == TROUSERS:
        return np.asarray(
            1.0 + 0.12 * np.sin(0.02 * z) * np.sin(0.03 * y + 1.0) + 0.05 * np.sin(0.07 * z + 0.05 * x)
        )
    if material == SKIN:
        return np.asarray(1.0 + 0.05 * np.sin(0.05 * z + 0.03 * x))
    if material == HAIR:
        strand = np.sin(0.21 * y + 0.12 * x + 1.5 * np.sin(0.03 * z)) * np.cos(0.13 * x - 0.09 * y)
        shine = 1.0 + 0.6 * np.maximum(0.0, 1.0 - ((z - 190.0) / 26.0) ** 2)
        return np.asarray((0.94 + 0.10 * strand) * shine)
    return np.ones(len(texture))


def _texture(material: int, pose: Pose, vertices: Array, weights: Array) -> Array:
    """Coordinates that stay on the cloth or the skin, whatever the bones do."""
    if material in (FACE, HAIR):
        head = BONE["head"]
        return np.asarray((vertices - pose.origins[head]) @ pose.rotations[head])
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

    def cut(
        bone: str, point: tuple[float, float, float], normal: tuple[float, float, float], reach: float
    ) -> Cut:
        return Cut(BONE[bone], _scaled(point, s), normal, reach * s)

    waist = 122 if look.long_hair else 131
    shirt: list[Cone | Ellipsoid] = [
        ball("chest", (4, 0, 105), (98 * g, 142 * w, 150)),
        ball("chest", (22, 52 * w, 135), (74 * g, 72 * w, 70)),
        ball("chest", (22, -52 * w, 135), (74 * g, 72 * w, 70)),
        ball("chest", (-22, 0, 150), (74 * g, 140 * w, 110)),
        ball("abdomen", (4, 0, 60), (92 * g, waist * w, 150)),
        ball("pelvis", (-4, 0, 15), (121 * g, 164 * h, 190)),
        cone("chest", (-12, 0, 262), (-10, 0, 240), 62, 66),
    ]
    trousers: list[Cone | Ellipsoid] = [
        ball("pelvis", (-4, 0, 10), (96 * g, 128 * h, 105)),
        ball("pelvis", (-42, 50, -25), (64 * g, 64 * h, 78)),
        ball("pelvis", (-42, -50, -25), (64 * g, 64 * h, 78)),
    ]
    skin: list[Cone | Ellipsoid] = []
    hands: list[Shape] = []
    shoes: list[Cone | Ellipsoid] = []
    soles: list[Cut] = []
    shirt_cuts = [cut("pelvis", (0, 0, -38), (0, 0, -1), 320)]
    trouser_cuts = []
    for side, y in (("left", 1.0), ("right", -1.0)):
        arm, fore, hand = f"{side}_upper_arm", f"{side}_forearm", f"{side}_hand"
        thigh, shin, foot = f"{side}_thigh", f"{side}_shin", f"{side}_foot"
        shirt += [
            cone("chest", (-16, y * 34, 268), (-10, y * 140 * w, 228), 46, 42),
            cone(arm, (-2, y * -8, -16), (0, 0, -100), 48 * g, 52 * g),
            cone(arm, (0, 0, -100), (0, 0, -215), 52 * g, 55 * g),
        ]
        shirt_cuts.append(cut(arm, (0, 0, -196), (0, 0, -1), 110))
        skin += [
            cone(arm, (0, 0, -130), (0, 0, -280), 43 * g, 38 * g),
            cone(fore, (0, 0, 4), (2, 0, -75), 39 * g, 41 * g),
            cone(fore, (2, 0, -75), (0, 0, -252), 40 * g, 25),
            cone(hand, (0, 0, 0), (2, 0, -40), 24, 24, (0.75, 1.0, 1.0)),
        ]
        trousers += [
            cone(thigh, (0, y * -5, -25), (4, 0, -220), 75 * g * h, 68 * g),
            cone(thigh, (4, 0, -220), (6, 0, -420), 68 * g, 55 * g),
            cone(shin, (6, 0, 0), (-6, 0, -130), 55 * g, 56 * g),
            cone(shin, (-6, 0, -130), (-2, 0, -400), 56 * g, 49 * g),
        ]
        trouser_cuts.append(cut(shin, (0, 0, -384), (0, 0, -1), 110))
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
        hands.append(Shape(palm, blend=3.0, cell=10.0))
        shoes += [
            cone(foot, (-22, 0, -54), (60, 0, -56), 36, 42, (1.0, 0.95, 1.0)),
            cone(foot, (60, 0, -58), (140, y * -4, -68), 42, 32, (1.0, 1.08, 1.0)),
            cone(foot, (140, y * -6, -68), (166, y * -10, -70), 30, 25, (1.0, 1.2, 1.0)),
            cone(foot, (-8, 0, -40), (2, 0, 14), 40, 40),
        ]
        soles.append(cut(foot, (50, 0, -90), (0, 0, -1), 300))

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
    hair_cuts = [cut("head", (0, 0, 42), (0.35, 0, -1), 300)]
    if look.long_hair:
        hair += [
            cone("head", (-42, 0, 100), (-46, 0, -30), 86, 66, (0.75, 1.0, 1.0)),
            cone("head", (-12, 60, 90), (-22, 62, -20), 30, 24),
            cone("head", (-12, -60, 90), (-22, -62, -20), 30, 24),
        ]
        hair_cuts = [cut("head", (0, 0, -52), (0, 0, -1), 300)]
    hairless = [ball("head", (98, 0, 62), (84, 72, 96))]
    if not look.long_hair:
        hairless += [ball("head", (10, 86, 62), (30, 26, 42)), ball("head", (10, -86, 62), (30, 26, 42))]
    return [
        (SHIRT, Shape(shirt, blend=14.0, cell=24.0, cuts=shirt_cuts)),
        (TROUSERS, Shape(trousers, blend=12.0, cell=24.0, cuts=trouser_cuts)),
        (SKIN, Shape(skin, blend=7.0, cell=16.0)),
        *[(SKIN, hand_shape) for hand_shape in hands],
        (FACE, Shape(face, blend=6.0, cell=10.5, carvings=eyes, carve_blend=4.0)),
        (HAIR, Shape(hair, blend=9.0, cell=16.0, cuts=hair_cuts, carvings=hairless, carve_blend=5.0)),
        (SHOES, Shape(shoes, blend=8.0, cell=14.0, cuts=soles)),
    ]


def _scaled(values: tuple[float, float, float], factor: float) -> tuple[float, float, float]:
    return values[0] * factor, values[1] * factor, values[2] * factor


def _quarter_turn(solid: Cone | Ellipsoid) -> Cone:
    """The same cone turned about the vertical: palms face the thighs when the arms hang."""
    assert isinstance(solid, Cone)
    (ax, ay, az), (bx, by, bz), (fx, fy, fz) = solid.a, solid.b, solid.flat
    return Cone(solid.bone, (ay, ax, az), (by, bx, bz), solid.ra, solid.rb, (fy, fx, fz))
