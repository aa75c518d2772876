"""Times a ResNet generator's inference in PyTorch eager, batch 1.

python3 bench/pytorch_infer.py [--base-width 32] [--blocks 9] [--size 256] [--separable] [--threads N] [--runs N]
    [--warmup N] [--json]
"""

import argparse
import json
import os
import statistics
import sys
import time

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "fixtures"))
from torch_networks import Resnet  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-width", type=int, default=32)
    parser.add_argument("--blocks", type=int, default=9)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--separable", action="store_true")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    network = Resnet(options.base_width, options.blocks, separable=options.separable).eval()
    x = torch.rand(1, 3, options.size, options.size) * 2 - 1
    seconds = []
    with torch.no_grad():
        for run in range(options.warmup + options.runs):
            start = time.perf_counter()
            network(x)
            if run >= options.warmup:
                seconds.append(time.perf_counter() - start)
    report = {
        "framework": f"torch {torch.__version__}",
        "baseWidth": options.base_width,
        "blocks": options.blocks,
        "size": options.size,
        "separable": options.separable,
        "threads": options.threads,
        "runs": options.runs,
        "params": sum(p.numel() for p in network.parameters()),
        "medianSeconds": statistics.median(seconds),
        "minSeconds": min(seconds),
    }
    if options.json:
        print(json.dumps(report))
    else:
        kind = "separable" if options.separable else "dense"
        print(
            f"{report['framework']}, resnet {options.blocks} blocks, base width {options.base_width}, {kind}, "
            f"{options.size} px, {options.threads} threads: median {report['medianSeconds']:.4f} s, "
            f"min {report['minSeconds']:.4f} s"
        )


if __name__ == "__main__":
    main()
