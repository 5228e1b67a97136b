"""The robust triangulation once more, in plain numpy, one joint at a time: slow, short, to be compared."""

import numpy as np
from scipy.stats import chi2

from models.triangulation.joint_kernel import HUBER, L1_STEPS, ROUNDS, STEPS_PER_ROUND, SURE
from models.triangulation.robust_kernel import PRIOR_COUNT, PRIOR_STEPS, RAYLEIGH_MEDIAN


def reproject(P, x):
    image = P @ np.append(x, 1.0)
    return image[:, :2] / image[:, 2:], image[:, 2]


def lengths(P, x, pixels):
    return np.linalg.norm(reproject(P, x)[0] - pixels, axis=1)


def median_of_rays(P, pixels, weights):
    directions, origins = [], []
    for matrix, pixel in zip(P, pixels, strict=True):
        inverse = np.linalg.inv(matrix[:, :3])
        ray = inverse @ np.append(pixel, 1.0)
        directions.append(ray / np.linalg.norm(ray))
        origins.append(-inverse @ matrix[:, 3])
    across = [np.eye(3) - np.outer(d, d) for d in directions]
    x = None
    for _ in range(L1_STEPS):
        w = weights.copy()
        if x is not None:
            w /= [np.sqrt((x - o) @ q @ (x - o) + 1.0) for o, q in zip(origins, across, strict=True)]
        A = sum(wi * q for wi, q in zip(w, across, strict=True))
        b = sum(wi * q @ o for wi, q, o in zip(w, across, origins, strict=True))
        x = np.linalg.solve(A, b)
    return x


def huber_weights(errors):
    return np.where(errors <= HUBER, 1.0, HUBER / np.maximum(errors, HUBER))


def jacobian(P, x):
    uv, depth = reproject(P, x)
    return (P[:, :2, :3] - uv[..., None] * P[:, 2:, :3]) / depth[:, None, None]


def normal_matrix(P, x, pixels, scores, noise):
    J = jacobian(P, x)
    w = huber_weights(lengths(P, x, pixels) / noise) * scores**2 / noise**2
    return np.einsum("v,vai,vaj->ij", w, J, J), w, J


def refine(P, x, steps, pixels, scores, noise):
    for _ in range(steps):
        A, w, J = normal_matrix(P, x, pixels, scores, noise)
        x = x + np.linalg.solve(A, np.einsum("v,vai,va->i", w, J, pixels - reproject(P, x)[0]))
    return x


def select(P, x, limit, pixels, scores, usable, noise):
    active = usable.copy()
    for turn in range(ROUNDS):
        x = refine(P[active], x, STEPS_PER_ROUND, pixels[active], scores[active], noise[active])
        deviations = lengths(P, x, pixels) / noise
        ranked = np.sort(deviations[active])
        if len(ranked) <= 2 or ranked[-1] <= (limit if len(ranked) > 3 else SURE * limit):
            break
        bar = limit if turn == ROUNDS - 1 else max(limit, 0.5 * ranked[-1])
        active &= deviations <= (max(bar, ranked[2]) if len(ranked) > 3 else ranked[1])
    active |= usable & (lengths(P, x, pixels) <= limit * noise)
    return refine(P[active], x, STEPS_PER_ROUND, pixels[active], scores[active], noise[active]), active


def triangulate_person(P, focal, ideal, scores, config):
    """Joints (J, 3), covariance (J, 3, 3) and used (V, J) of one person in front of all views.

    ``P`` (V, 3, 4), ``focal`` (V,), ``ideal`` (V, J, 2) px, ``scores`` (V, J).
    """
    views, count = scores.shape
    usable = (scores >= config.min_score) & np.isfinite(ideal[..., 0])
    found = np.flatnonzero(usable.sum(axis=0) >= 2)
    x = {j: median_of_rays(P[usable[:, j]], ideal[usable[:, j], j], scores[usable[:, j], j]) for j in found}
    depth = np.median([reproject(P, x[j])[1] for j in found], axis=0)

    def noise_of(mm):
        return np.sqrt(config.min_noise_px**2 + (mm * focal / depth) ** 2)

    noise, errors = noise_of(config.noise_mm), []
    for j in found:
        m = usable[:, j]
        x[j] = refine(P[m], x[j], PRIOR_STEPS, ideal[m, j], scores[m, j], noise[m])
        errors.extend(
            lengths(P[m], x[j], ideal[m, j]) / noise[m] * np.sqrt(2.0 * m.sum() / (2.0 * m.sum() - 3.0))
        )
    spread = np.median(errors) / RAYLEIGH_MEDIAN
    spread = np.sqrt((PRIOR_COUNT + len(errors) * spread**2) / (PRIOR_COUNT + len(errors)))
    noise = noise_of(config.noise_mm * min(spread, 1.0))

    joints, covariance = np.full((count, 3), np.nan), np.full((count, 3, 3), np.nan)
    used = np.zeros((views, count), bool)
    chi_square, freedom, psi, weights, slopes, squared_slopes = {}, {}, {}, [], [], []
    for j in found:
        joints[j], used[:, j] = select(
            P, x[j], config.max_deviation, ideal[:, j], scores[:, j], usable[:, j], noise
        )
        m = used[:, j]
        e = lengths(P[m], joints[j], ideal[m, j]) / noise[m]
        w = huber_weights(e)
        chi_square[j], freedom[j] = (scores[m, j] ** 2 * e**2).sum(), 2.0 * m.sum() - 3.0
        if chi_square[j] <= chi2.ppf(0.999, freedom[j]):
            psi[j] = (scores[m, j] ** 2 * (w * e) ** 2).sum()
            weights.extend(w)
            slopes.extend(np.where(e <= HUBER, 1.0, 0.5 * w))
            squared_slopes.extend(np.where(e <= HUBER, 1.0, 0.375 * w**2))
    degrees = sum(freedom[j] for j in psi)
    slope = np.mean(slopes)
    small_sample = 1.0 + (1.0 - degrees / (2.0 * len(slopes))) * (np.mean(squared_slopes) / slope**2 - 1.0)
    variance = (PRIOR_COUNT + sum(psi.values())) / (PRIOR_COUNT + degrees)
    variance *= small_sample**2 * np.mean(weights) / slope**2
    for j in found:
        m = used[:, j]
        scale = variance if j in psi else max(variance, chi_square[j] / freedom[j])
        A = normal_matrix(P[m], joints[j], ideal[m, j], scores[m, j], noise[m])[0]
        covariance[j] = scale * np.linalg.inv(A)
    return joints, covariance, used
