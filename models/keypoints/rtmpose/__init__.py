"""RTMPose: Jiang et al., RTMPose, arXiv 2303.07399; and what shares its SimCC heads (DWPose)."""
