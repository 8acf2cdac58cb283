# SPDX-License-Identifier: GPL-2.0
"""As many Services as somebody wants."""

from . import objects


def services(count, backend=1, namespace="many"):
    """
    Objects of so many Services with two endpoints each; another number of the backend makes other
    endpoints. Service N is 10.(100 + N / 65536).(N / 256).(N % 256):80.
    """
    result = []
    for number in range(count):
        high, low = divmod(number, 256)
        name = f"s{number}"
        result.append(objects.service(name, [f"10.{100 + high // 256}.{high % 256}.{low}"],
                                      [objects.port(80, 8080)], namespace))
        result.append(objects.endpoint_slice(
            name, [f"10.{150 + 2 * backend + i}.{high % 256}.{low}" for i in range(2)],
            [("", 8080, "TCP")], namespace))
    return result
