# The program fundus-unet; files are exchanged through a folder mounted at /work (docs/container.md).
#   docker build -t fundus-unet .                                 for CPUs
#   docker build -t fundus-unet --build-arg LIBRARIES=cuda .      for GPUs of NVIDIA, several gigabytes larger
FROM python:3.13-slim-trixie AS build
ARG LIBRARIES=cpu
ENV VIRTUAL_ENV=/opt/fundus-unet UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1
RUN pip install --no-cache-dir uv==0.13.9 && python -m venv --without-pip "$VIRTUAL_ENV"
WORKDIR /source
COPY pyproject.toml requirements.lock requirements-cpu.lock ./
# The versions of the lock, without the tools of developers; uv knows where PyTorch keeps its builds without CUDA.
RUN case "$LIBRARIES" in \
        cpu) set -- --torch-backend cpu --constraint requirements-cpu.lock ;; \
        cuda) set -- --constraint requirements.lock ;; \
        *) echo "error: LIBRARIES is cpu or cuda, not $LIBRARIES" >&2; exit 2 ;; \
    esac; \
    uv pip install "$@" -r pyproject.toml --extra train --extra onnx --extra sweep
COPY README.md LICENSE ./
COPY src src
COPY configs configs
COPY weights weights
RUN uv pip install --no-deps --build-constraint requirements.lock .

FROM python:3.13-slim-trixie
# What `data get fives` opens a RAR archive with. Debian keeps one version only, so there is none to pin.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends libarchive-tools && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/fundus-unet /opt/fundus-unet
# Both folders can be written by every user, for `docker run --user`, whose results belong to who started it.
RUN useradd --uid 1000 --create-home fundus && install -d -m 1777 /work && chmod 1777 /home/fundus
ENV PATH=/opt/fundus-unet/bin:$PATH HOME=/home/fundus USER=fundus PYTHONDONTWRITEBYTECODE=1
USER 1000
WORKDIR /work
# The check of health: a container is one command, whose exit status says how it went, so what can be wrong with the
# image (a library that OpenCV or PyTorch misses, a file that the user may not read) is looked for once, here.
RUN export HOME=/tmp/check && fundus-unet --help && python -c "\
import cv2, numpy, fundus_unet, fundus_unet.commands.train; \
fundus_unet.load_model('vessels').predict(numpy.arange(4096, dtype='uint8').reshape(64, 64))" && rm -rf /tmp/*
ENTRYPOINT ["fundus-unet"]
CMD ["--help"]
