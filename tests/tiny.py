"""Settings with which training takes seconds."""

TINY = {
    "arch": "waves",
    "width": 2,
    "latent_size": 8,
    "batch_size": 4,
    "critic_steps": 2,
    "steps": 2,
}
JOINT2D = {
    "variant": "joint2d",
    "arch": "waves",
    "width": 2,
    "latent_size": 8,
    "label_size": 4,
    "batch_size": 4,
    "critic_steps": 1,
    "log_every": 1,
    "evaluate_every": 2,
}
