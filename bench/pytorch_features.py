"""Times features of FID's Inception network in PyTorch eager, from 8-bit pictures of 299 pixels.

python3 bench/pytorch_features.py [--threads N] [--batch 8] [--pictures 32]
"""

import argparse
import json
import os
import sys
import time

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "fixtures"))
from torch_features import Inception  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--pictures", type=int, default=32)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    network = Inception().eval()
    levels = torch.randint(0, 256, (options.batch, 3, 299, 299), dtype=torch.uint8)
    with torch.inference_mode():
        network((levels.float() - 128) / 128)
        start = time.perf_counter()
        done = 0
        while done < options.pictures:
            network((levels.float() - 128) / 128)
            done += options.batch
    milliseconds = 1000 * (time.perf_counter() - start) / done
    print(json.dumps({"framework": f"torch {torch.__version__}", "millisecondsPerPicture": milliseconds}))


if __name__ == "__main__":
    main()
