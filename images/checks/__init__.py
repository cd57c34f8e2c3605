"""What an image promises, one function a promise: `deepdesign-images test` and the test suite share them."""

from collections.abc import Callable, Mapping

from images.checks import configuration, contents, experiment, gathering, hooks, licences, meshes, start
from images.matrix import Flavour
from images.subject import Subject

# Raises CheckError (or another ImagesError) with what is wrong.
Check = Callable[[Subject], None]


def _named(*checks: Check) -> dict[str, Check]:
    return {check.__name__.replace("_", "-"): check for check in checks}


# From cheap to dear, so that a broken image is told early.
EVERY_IMAGE: Mapping[str, Check] = _named(
    configuration.is_root_in_notebooks,
    configuration.asks_for_the_gpu,
    configuration.bakes_no_token,
    configuration.labels_state_its_row,
    configuration.is_within_its_size,
    contents.has_no_compiler,
    contents.has_no_leftovers,
    contents.keeps_rights_narrow,
    contents.is_what_its_row_says,
    contents.is_free_of_what_its_tag_says,
    contents.carries_the_networks_that_it_names,
    contents.explains_itself,
    contents.holds_what_its_locks_say,
    contents.carries_its_sbom,
    contents.has_consistent_packages,
    licences.states_every_licence,
    hooks.leaves_an_experiments_home_alone,
    gathering.packs_and_unpacks_offline,
    gathering.photographs_the_ground_offline,
    gathering.collects_offline,
    experiment.classifies_offline,
    experiment.paints_offline,
    experiment.dreams_offline,
    experiment.trains_offline,
    meshes.fits_a_mesh_offline,
    meshes.paints_a_mesh_offline,
    meshes.dreams_on_a_mesh_offline,
)

NOTEBOOKS: Mapping[str, Check] = _named(
    configuration.names_its_ports,
    hooks.starts_without_storage,
    hooks.starts_on_read_only_storage,
    hooks.starts_on_every_platform,
    hooks.starts_for_any_user,
    hooks.survives_the_users_hook,
    hooks.survives_a_hook_that_is_no_shell,
    hooks.survives_its_own_hook,
    hooks.tells_its_health,
    hooks.ends_on_sigterm,
    start.finds_its_kernel_behind_an_old_one,
    start.comes_back,
)


def checks(flavour: Flavour) -> Mapping[str, Check]:
    """By name, what an image of ``flavour`` promises."""
    return {**EVERY_IMAGE, **(NOTEBOOKS if flavour.has_jupyter else {})}
