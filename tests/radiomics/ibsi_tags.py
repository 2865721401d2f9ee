"""What the IBSI-1 reference values call the features that pyradiomics names, and who it does not know."""

CO_OCCURRENCE = {
    "Autocorrelation": "auto_corr",
    "ClusterProminence": "clust_prom",
    "ClusterShade": "clust_shade",
    "ClusterTendency": "clust_tend",
    "Contrast": "contrast",
    "Correlation": "corr",
    "DifferenceAverage": "diff_avg",
    "DifferenceEntropy": "diff_entr",
    "DifferenceVariance": "diff_var",
    "Id": "inv_diff",
    "Idm": "inv_diff_mom",
    "Idmn": "inv_diff_mom_norm",
    "Idn": "inv_diff_norm",
    "Imc1": "info_corr1",
    "Imc2": "info_corr2",
    "InverseVariance": "inv_var",
    "JointAverage": "joint_avg",
    "JointEnergy": "energy",
    "JointEntropy": "joint_entr",
    "MaximumProbability": "joint_max",
    "SumAverage": "sum_avg",
    "SumEntropy": "sum_entr",
    "SumSquares": "joint_var",
}
RUN_LENGTH = {
    "GrayLevelNonUniformity": "glnu",
    "GrayLevelNonUniformityNormalized": "glnu_norm",
    "GrayLevelVariance": "gl_var",
    "HighGrayLevelRunEmphasis": "hgre",
    "LongRunEmphasis": "lre",
    "LongRunHighGrayLevelEmphasis": "lrhge",
    "LongRunLowGrayLevelEmphasis": "lrlge",
    "LowGrayLevelRunEmphasis": "lgre",
    "RunEntropy": "rl_entr",
    "RunLengthNonUniformity": "rlnu",
    "RunLengthNonUniformityNormalized": "rlnu_norm",
    "RunPercentage": "r_perc",
    "RunVariance": "rl_var",
    "ShortRunEmphasis": "sre",
    "ShortRunHighGrayLevelEmphasis": "srhge",
    "ShortRunLowGrayLevelEmphasis": "srlge",
}
SIZE_ZONE = {
    "GrayLevelNonUniformity": "glnu",
    "GrayLevelNonUniformityNormalized": "glnu_norm",
    "GrayLevelVariance": "gl_var",
    "HighGrayLevelZoneEmphasis": "hgze",
    "LargeAreaEmphasis": "lze",
    "LargeAreaHighGrayLevelEmphasis": "lzhge",
    "LargeAreaLowGrayLevelEmphasis": "lzlge",
    "LowGrayLevelZoneEmphasis": "lgze",
    "SizeZoneNonUniformity": "zsnu",
    "SizeZoneNonUniformityNormalized": "zsnu_norm",
    "SmallAreaEmphasis": "sze",
    "SmallAreaHighGrayLevelEmphasis": "szhge",
    "SmallAreaLowGrayLevelEmphasis": "szlge",
    "ZoneEntropy": "zs_entr",
    "ZonePercentage": "z_perc",
    "ZoneVariance": "zs_var",
}
DEPENDENCE = {
    "DependenceEntropy": "dc_entr",
    "DependenceNonUniformity": "dcnu",
    "DependenceNonUniformityNormalized": "dcnu_norm",
    "DependenceVariance": "dc_var",
    "GrayLevelNonUniformity": "glnu",
    "GrayLevelVariance": "gl_var",
    "HighGrayLevelEmphasis": "hgce",
    "LargeDependenceEmphasis": "hde",
    "LargeDependenceHighGrayLevelEmphasis": "hdhge",
    "LargeDependenceLowGrayLevelEmphasis": "hdlge",
    "LowGrayLevelEmphasis": "lgce",
    "SmallDependenceEmphasis": "lde",
    "SmallDependenceHighGrayLevelEmphasis": "ldhge",
    "SmallDependenceLowGrayLevelEmphasis": "ldlge",
}
TONE_DIFFERENCE = {name: name.lower() for name in ("Busyness", "Coarseness", "Complexity", "Contrast", "Strength")}
FIRST_ORDER = {
    "10Percentile": "stat_p10",
    "90Percentile": "stat_p90",
    "Energy": "stat_energy",
    "Entropy": "ih_entropy",
    "InterquartileRange": "stat_iqr",
    "Maximum": "stat_max",
    "Mean": "stat_mean",
    "MeanAbsoluteDeviation": "stat_mad",
    "Median": "stat_median",
    "Minimum": "stat_min",
    "Range": "stat_range",
    "RobustMeanAbsoluteDeviation": "stat_rmad",
    "RootMeanSquared": "stat_rms",
    "Skewness": "stat_skew",
    "Uniformity": "ih_uniformity",
    "Variance": "stat_var",
}
SHAPE = {
    "Elongation": "morph_pca_elongation",
    "Flatness": "morph_pca_flatness",
    "LeastAxisLength": "morph_pca_least_axis",
    "MajorAxisLength": "morph_pca_maj_axis",
    "Maximum3DDiameter": "morph_diam",
    "MeshVolume": "morph_volume",
    "MinorAxisLength": "morph_pca_min_axis",
    "Sphericity": "morph_sphericity",
    "SurfaceArea": "morph_area_mesh",
    "SurfaceVolumeRatio": "morph_av",
    "VoxelVolume": "morph_vol_approx",
}
NOT_IN_IBSI = {
    "original_firstorder_TotalEnergy",
    "original_glcm_MCC",
    *(f"original_shape_Maximum2DDiameter{plane}" for plane in ("Slice", "Column", "Row")),
}
OTHERWISE_IN_IBSI = {"original_firstorder_Kurtosis"}
"""Which is not the excess."""


def textures(averaged: str, whole: str) -> dict[str, str]:
    """Feature to tag for ``3D_avg`` and ``3D``, or for ``2_5D_avg`` and ``2_5D``."""
    kinds = {
        "glcm": ("cm", CO_OCCURRENCE, averaged),
        "glrlm": ("rlm", RUN_LENGTH, averaged),
        "glszm": ("szm", SIZE_ZONE, whole),
        "gldm": ("ngl", DEPENDENCE, whole),
        "ngtdm": ("ngt", TONE_DIFFERENCE, whole),
    }
    return {
        f"original_{kind}_{name}": f"{prefix}_{tag}_{suffix}"
        for kind, (prefix, names, suffix) in kinds.items()
        for name, tag in names.items()
    }


def everything() -> dict[str, str]:
    """Feature to tag, in three dimensions."""
    first = {f"original_firstorder_{name}": tag for name, tag in FIRST_ORDER.items()}
    return {**first, **{f"original_shape_{name}": tag for name, tag in SHAPE.items()}, **textures("3D_avg", "3D")}
