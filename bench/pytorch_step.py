"""Times one distillation step in PyTorch eager, the step ganlet's own benchmark runs.

python3 bench/pytorch_step.py --workload 64|128 [--threads N] [--steps N] [--warmup N] [--json]

Teacher: ResNet, 9 blocks, base width 64, frozen. Student: the same with base width 32. PatchGAN: 3 layers,
base width 64, conditional. Loss: hinge + 100 L1 to the target + 1 MSE on four taps through 1x1 adaptors.
Adam for student with adaptors and for the discriminator; EMA (0.999) of the student.
Workload 64: 64 px, batch 4. Workload 128: 128 px, batch 1.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "fixtures"))
from torch_networks import Conv, PatchGan, Resnet  # noqa: E402

WORKLOADS = {"64": (64, 4), "128": (128, 1)}
TAPS = [0, 3, 6, 9]
ADAM = {"lr": 2e-4, "betas": (0.5, 0.999), "eps": 1e-8}


def normal_weights(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0, 0.02)
        nn.init.zeros_(module.bias)


def build_step(size, batch):
    teacher, student = Resnet(64, 9).eval().requires_grad_(False), Resnet(32, 9)
    discriminator = PatchGan(64, 3, channels=6)
    adaptors = nn.ModuleList(Conv(128, 256, 1) for _ in TAPS)
    for network in (teacher, student, discriminator, adaptors):
        network.apply(normal_weights)
    average = [p.detach().clone() for p in student.parameters()]
    adam_g = torch.optim.Adam([*student.parameters(), *adaptors.parameters()], **ADAM)
    adam_d = torch.optim.Adam(discriminator.parameters(), **ADAM)
    condition, real = torch.rand(2, batch, 3, size, size) * 2 - 1

    def step():
        with torch.no_grad():
            _, teacher_taps = teacher(condition)
        fake, taps = student(condition)

        adam_d.zero_grad()
        on_fake = discriminator(torch.cat([condition, fake.detach()], 1))
        on_real = discriminator(torch.cat([condition, real], 1))
        d_loss = 0.5 * (F.relu(1 - on_real).mean() + F.relu(1 + on_fake).mean())
        d_loss.backward()

        adam_g.zero_grad()
        discriminator.requires_grad_(False)
        gan = -discriminator(torch.cat([condition, fake], 1)).mean()
        recon = F.l1_loss(fake, real)
        distill = sum(F.mse_loss(f(taps[k]), teacher_taps[k]) for f, k in zip(adaptors, TAPS))
        (gan + 100 * recon + distill).backward()
        discriminator.requires_grad_(True)

        adam_d.step()
        adam_g.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, list(student.parameters()), 0.001)
        return [loss.item() for loss in (gan, recon, distill, d_loss)]

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", choices=WORKLOADS, required=True)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    size, batch = WORKLOADS[options.workload]
    step = build_step(size, batch)
    for _ in range(options.warmup):
        step()
    seconds = []
    for _ in range(options.steps):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    cuts = statistics.quantiles(seconds, n=20, method="inclusive") if len(seconds) > 1 else seconds
    report = {
        "framework": f"torch {torch.__version__}",
        "workload": options.workload,
        "size": size,
        "batch": batch,
        "threads": options.threads,
        "steps": options.steps,
        "medianSeconds": statistics.median(seconds),
        "p5Seconds": cuts[0],
        "p95Seconds": cuts[-1],
        "peakRssMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if options.json:
        print(json.dumps(report))
    else:
        print(
            f"{report['framework']}, {size} px, batch {batch}, {options.threads} threads, {options.steps} steps: "
            f"median {report['medianSeconds']:.3f} s, p5 {cuts[0]:.3f} s, p95 {cuts[-1]:.3f} s, "
            f"peak {report['peakRssMiB']:.0f} MiB"
        )


if __name__ == "__main__":
    main()
