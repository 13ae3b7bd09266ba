import os


class Platform:
    device_type = os.environ.get("STUB_DEVICE", "cuda")

    def device_count(self) -> int:
        return 1

    def get_device_total_memory(self) -> int:
        return int(float(os.environ.get("STUB_MEMORY_GB", "80")) * 1e9)


current_platform = Platform()
