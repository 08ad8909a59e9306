/* SPDX-License-Identifier: MIT
 * The picture of a trace: best energy against time, as steps; time in powers of ten, since most happens early. */
#include "solve_file.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define INK "#1d2733"
#define LINE "#2a7f62"

/* Pixels. */
enum { WIDTH = 720, HEIGHT = 400, LEFT = 96, RIGHT = 24, TOP = 64, BOTTOM = 56 };

/* What the edges of the plot stand for. */
struct scale {
    double first, last;         /* powers of ten of a second */
    double low, high;           /* energies */
};

static double at_time(const struct scale *s, double seconds)
{
    const double power = log10(fmax(seconds, 1e-9));
    const double part = fmin(fmax((power - s->first) / (s->last - s->first), 0.0), 1.0);
    return LEFT + part * (WIDTH - LEFT - RIGHT);
}

static double at_energy(const struct scale *s, double energy)
{
    return TOP + (s->high - energy) / (s->high - s->low) * (HEIGHT - TOP - BOTTOM);
}

static struct scale scale_of(const struct solve_trace *trace)
{
    struct scale s = {-6.0, 0.0, 0.0, 1.0};
    const double end = fmax(trace->end - trace->start, 1e-5);
    if (trace->points > 0) {
        s.high = trace->point[0].energy;
        s.low = trace->point[trace->points - 1].energy;
        s.first = floor(log10(fmax(trace->point[0].seconds, 1e-6)));
    }
    s.last = fmax(log10(end), s.first + 1.0);
    const double room = s.high > s.low ? 0.04 * (s.high - s.low) : 1.0;
    s.high += room;
    s.low -= room;
    return s;
}

static void put_text(FILE *to, double x, double y, const char *attributes, const char *text)
{
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attributes);
    for (; *text != '\0'; text++)
        switch (*text) {
        case '&': fputs("&amp;", to); break;
        case '<': fputs("&lt;", to); break;
        default: fputc(*text >= ' ' && *text <= '~' ? *text : '?', to);
        }
    fputs("</text>\n", to);
}

/* A step of 1, 2 or 5 times a power of ten that gives three to seven lines. */
static double nice_step(double range)
{
    const double power = pow(10.0, floor(log10(range / 3.0))), part = range / power;
    return part > 15.0 ? 5.0 * power : part > 7.0 ? 2.0 * power : power;
}

static void put_axes(FILE *to, const struct scale *s)
{
    char text[40];
    const double step = nice_step(s->high - s->low);
    for (double energy = ceil(s->low / step) * step; energy <= s->high; energy += step) {
        const double y = at_energy(s, energy);
        fprintf(to, "<path d=\"M%d %.1fH%d\" stroke=\"#e6e9ed\"/>\n", LEFT, y, WIDTH - RIGHT);
        snprintf(text, sizeof text, "%.10g", fabs(energy) < 1e-9 * step ? 0.0 : energy);
        put_text(to, LEFT - 8, y + 4, "class=\"t\" text-anchor=\"end\"", text);
    }
    for (double power = ceil(s->first); power <= s->last; power += 1.0) {
        const double x = at_time(s, pow(10.0, power));
        fprintf(to, "<path d=\"M%.1f %dV%d\" stroke=\"#e6e9ed\"/>\n", x, TOP, HEIGHT - BOTTOM);
        snprintf(text, sizeof text, "%g s", pow(10.0, power));
        put_text(to, x, HEIGHT - BOTTOM + 18, "class=\"t\" text-anchor=\"middle\"", text);
    }
    fprintf(to, "<path d=\"M%d %dV%dH%d\" stroke=\"#9aa5b1\" fill=\"none\"/>\n", LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT);
    put_text(to, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 16, "class=\"t\" text-anchor=\"middle\"", "time");
}

static void put_steps(FILE *to, const struct scale *s, const struct solve_trace *trace)
{
    if (trace->points == 0)
        return;
    fputs("<path d=\"", to);
    for (int64_t i = 0; i < trace->points; i++) {
        const double x = at_time(s, trace->point[i].seconds), y = at_energy(s, trace->point[i].energy);
        fprintf(to, i == 0 ? "M%.1f %.1f" : "H%.1fV%.1f", x, y);
    }
    fprintf(to, "H%.1f\" stroke=\"%s\" stroke-width=\"2\" fill=\"none\"/>\n", at_time(s, trace->end - trace->start), LINE);
}

int solve_plot_write(const struct solve_trace *trace, const char *title, const char *path)
{
    const struct scale s = scale_of(trace);
    FILE *to = fopen(path, "w");
    if (to == NULL)
        return solve_complain(SOLVE_OUTPUT, path, strerror(errno));
    fprintf(to, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
            "font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\" fill=\"%s\" role=\"img\">\n", WIDTH, HEIGHT,
            WIDTH, HEIGHT, INK);
    fputs("<title>Best energy against time</title>\n<style>.h{font-size:17px;font-weight:bold}"
          ".t{font-size:11px;fill:#5b6876}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n", to);
    put_text(to, 24, 34, "class=\"h\"", title);
    put_axes(to, &s);
    put_steps(to, &s, trace);
    fputs("</svg>\n", to);
    const int failed = ferror(to);
    return fclose(to) != 0 || failed ? solve_complain(SOLVE_OUTPUT, path, "cannot be written") : SOLVE_OK;
}
